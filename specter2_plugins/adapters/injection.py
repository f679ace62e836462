"""Putting adapters into a BERT without touching its weights, and choosing one for a forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertLayer

from specter2_plugins.adapters.bottleneck import Adapter, Location
from specter2_plugins.adapters.config import WAY_OUT
from specter2_plugins.errors import AdapterError

# A context variable, not an attribute of the model: two threads that encode different tasks on one
# model must not see each other's choice.
_active: ContextVar[Adapter | None] = ContextVar("specter2_active_adapter", default=None)


class AdaptedOutput(nn.Module):
    """A BERT output block that runs through the active adapter's bottleneck, if there is one.

    It takes over the block's own submodules under their own names, so the base keeps its state dict.
    """

    dense: nn.Module
    LayerNorm: nn.Module
    dropout: nn.Module

    def __init__(self, block: Any, layer: int, location: Location) -> None:
        super().__init__()
        self.dense = block.dense
        self.LayerNorm = block.LayerNorm
        self.dropout = block.dropout
        self.layer = layer
        self.location = location

    def forward(self, hidden_states: Tensor, input_tensor: Tensor) -> Tensor:
        """Do as BERT's output blocks: [batch, tokens, inner size] and residual input to [batch, tokens, hidden]."""
        hidden = self.dropout(self.dense(hidden_states))
        adapter = _active.get()
        bottleneck = adapter.bottleneck(self.layer, self.location) if adapter is not None else None
        if bottleneck is None:
            return self.LayerNorm(hidden + input_tensor)
        return bottleneck(hidden, input_tensor, self.LayerNorm)


class AdaptedLayer(BertLayer):
    """A BERT layer that takes the active adapter along as an argument.

    Gradient checkpointing runs a layer a second time in the backward pass, with the arguments of the first,
    when the adapter of the forward pass is no longer active.
    """

    def __call__(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Do as `BertLayer`, through the adapter that is active now."""
        if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
            # Reentrant checkpointing gives no gradients to a layer whose input needs none, as under a frozen base.
            hidden_states.requires_grad_()
        return super().__call__(hidden_states, *args, adapter=_active.get(), **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Do as `BertLayer`, through the adapter given as `adapter`."""
        with use_adapter(kwargs.pop("adapter")):
            return super().forward(*args, **kwargs)


def prepare(base: nn.Module) -> None:
    """Make a `transformers.BertModel` ready for adapters, in place; without one active it computes as before.

    Example:
        >>> from transformers import BertModel
        >>> prepare(BertModel.from_pretrained("models/bert"))

    Raises:
        AdapterError: If the base is no BERT encoder.
    """
    if not isinstance(base, BertModel):
        raise AdapterError(
            f"the base is a {type(base).__name__}; adapters go into transformers' BertModel. For other bases: {WAY_OUT}"
        )
    layers: Iterable[Any] = base.encoder.layer
    for index, layer in enumerate(layers):
        if not isinstance(layer.output, AdaptedOutput):
            layer.attention.output = AdaptedOutput(layer.attention.output, index, "attention")
            layer.output = AdaptedOutput(layer.output, index, "output")
            layer.__class__ = AdaptedLayer


@contextmanager
def use_adapter(adapter: Adapter | None) -> Iterator[None]:
    """Run the forward passes of this thread (or async task) through an adapter, or through none.

    Example:
        >>> import torch
        >>> from transformers import BertModel
        >>> from specter2_plugins.adapters import load_adapter
        >>> bert = BertModel.from_pretrained("models/bert")
        >>> prepare(bert)
        >>> with use_adapter(load_adapter("models/prx", bert.config)):
        ...     bert(torch.tensor([[2, 9, 3]])).last_hidden_state.shape
        torch.Size([1, 3, 48])
    """
    token = _active.set(adapter)
    try:
        yield
    finally:
        _active.reset(token)
