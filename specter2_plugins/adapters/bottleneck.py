"""The bottleneck and the adapter made of them: plain PyTorch, no knowledge of files or of BERT's classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

import torch
from torch import Tensor, nn
from transformers.activations import get_activation

from specter2_plugins.adapters.config import BottleneckConfig
from specter2_plugins.errors import AdapterError

Location = Literal["attention", "output"]
"""The block of a BERT layer that a bottleneck follows: attention or feed-forward."""

_LOCATIONS: tuple[Location, ...] = ("attention", "output")


class Bottleneck(nn.Module):
    """One down-projection, activation and up-projection inside a layer's output block.

    Submodules carry the names that AdapterHub's weight files use, so its state dict is theirs.

    Source: `Adapter` and `ParallelAdapter` in the adapters library's `methods/modeling.py`.
    """

    adapter_norm_after: nn.LayerNorm

    def __init__(self, config: BottleneckConfig, hidden_size: int, bottleneck_size: int) -> None:
        super().__init__()
        self.config = config
        down: list[nn.Module] = [nn.LayerNorm(hidden_size)] if config.ln_before else []
        down += [nn.Linear(hidden_size, bottleneck_size), _activation(config.non_linearity)]
        self.adapter_down = nn.Sequential(*down)
        self.adapter_up = nn.Linear(bottleneck_size, hidden_size)
        if config.ln_after:
            self.adapter_norm_after = nn.LayerNorm(hidden_size)
        self.scaling: float | nn.Parameter
        if isinstance(config.scaling, str):
            self.scaling = nn.Parameter(torch.ones(1 if config.scaling == "learned" else hidden_size))
        else:
            self.scaling = config.scaling
        self.dropout = nn.Dropout(config.dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh weights as `config.init_weights` says."""
        for linear in (module for module in self.modules() if isinstance(module, nn.Linear)):
            nn.init.zeros_(linear.bias)
            if self.config.init_weights == "bert":
                nn.init.normal_(linear.weight, std=0.02)
            elif self.config.init_weights == "houlsby":
                nn.init.trunc_normal_(linear.weight, std=1e-2, a=-2e-2, b=2e-2)
            elif linear is self.adapter_up:
                nn.init.zeros_(linear.weight)
            else:
                nn.init.kaiming_uniform_(linear.weight, a=5**0.5)

    def forward(self, hidden: Tensor, residual: Tensor, layer_norm: nn.Module) -> Tensor:
        """Finish an output block through this bottleneck.

        Args:
            hidden: The block's dense output, before its residual connection, [..., hidden size].
            residual: The block's residual input, [..., hidden size].
            layer_norm: The block's own layer norm.

        Returns:
            The block's output, [..., hidden size].
        """
        config = self.config
        if config.is_parallel:
            inner, skip = residual, hidden
        else:
            added = hidden + residual if config.original_ln_before else hidden
            inner = layer_norm(added) if config.original_ln_before else hidden
            skip = {True: hidden, "post_add": added, False: inner}[config.residual_before_ln]
        change = self.dropout(self.adapter_up(self.adapter_down(inner)) * self.scaling)
        if not config.ln_after:
            out = change + skip
        elif config.adapter_residual_before_ln and not config.is_parallel:
            out = self.adapter_norm_after(change + skip)
        else:
            out = self.adapter_norm_after(change) + skip
        return layer_norm(out + residual) if config.original_ln_after else out


class Adapter(nn.Module):
    """The bottlenecks of one adapter, by layer and location.

    Args:
        config: Where they sit and how they compute.
        num_layers: Layers of the base.
        hidden_size: Hidden size of the base.
        name: The name inside the weight file's keys, whatever it was trained as.
    """

    def __init__(self, config: BottleneckConfig, num_layers: int, hidden_size: int, name: str) -> None:
        super().__init__()
        self.config = config
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        self.name = name
        locations = [
            location
            for location, there in (("attention", config.mh_adapter), ("output", config.output_adapter))
            if there
        ]
        self.layers = nn.ModuleDict(
            {
                str(layer): nn.ModuleDict(
                    {
                        location: Bottleneck(config, hidden_size, config.bottleneck_size(layer, hidden_size))
                        for location in locations
                    }
                )
                for layer in range(num_layers)
                if layer not in config.leave_out
            }
        )

    def bottleneck(self, layer: int, location: Location) -> Bottleneck | None:
        """Return the bottleneck at a place of the base, or None where this adapter has none."""
        if str(layer) not in self.layers:
            return None
        blocks = cast(nn.ModuleDict, self.layers[str(layer)])
        return cast(Bottleneck, blocks[location]) if location in blocks else None

    def bottlenecks(self) -> Iterator[tuple[int, Location, Bottleneck]]:
        """Yield all bottlenecks with their layer (from 0) and location."""
        for layer in map(int, self.layers):
            for location in _LOCATIONS:
                bottleneck = self.bottleneck(layer, location)
                if bottleneck is not None:
                    yield layer, location, bottleneck


def _activation(name: str) -> nn.Module:
    if name.lower() == "leakyrelu":
        return nn.LeakyReLU()
    try:
        return get_activation(name.lower())
    except KeyError:
        raise AdapterError(f"non_linearity is {name!r}, which transformers does not know") from None
