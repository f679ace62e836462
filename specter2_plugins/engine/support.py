"""Which bases and adapters the engine computes exactly, as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertModel
from transformers.models.bert import modeling_bert

from specter2_plugins.adapters import Adapter
from specter2_plugins.adapters.bottleneck import Bottleneck
from specter2_plugins.adapters.injection import AdaptedLayer, AdaptedOutput

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
"""The precisions of weights that the engine computes in."""

_CONFIG = {
    "is_decoder": False,
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
    "position_embedding_type": "absolute",
    "output_attentions": False,
    "output_hidden_states": False,
}
"""The only settings of a `BertConfig` under which the engine's forward is the base's; transformers 5 lacks some."""

_ATTENTION = (None, "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")

# Exact types: a subclass (LoRA, quantised, parametrised) computes something else. transformers 4 has a class of its
# own for attention through PyTorch's fused kernel.
_ATTENTION_TYPES: list[type[nn.Module]] = [
    getattr(modeling_bert, name)
    for name in ("BertSelfAttention", "BertSdpaSelfAttention")
    if hasattr(modeling_bert, name)
]
_TYPES: frozenset[type[nn.Module]] = frozenset(
    [
        *_ATTENTION_TYPES,
        modeling_bert.BertEmbeddings,
        modeling_bert.BertEncoder,
        modeling_bert.BertLayer,
        modeling_bert.BertAttention,
        modeling_bert.BertSelfOutput,
        modeling_bert.BertIntermediate,
        modeling_bert.BertOutput,
        AdaptedLayer,
        AdaptedOutput,
        Adapter,
        Bottleneck,
        nn.Embedding,
        nn.LayerNorm,
        nn.Linear,
        nn.Dropout,
        nn.ModuleDict,
        nn.ModuleList,
        nn.Sequential,
    ]
)


def refusal(base: nn.Module, adapters: Iterable[Adapter | None] = ()) -> str | None:
    """Return why the engine would not compute what the base's own forward computes, or None where it does.

    It looks at the model as it is now and takes well under a millisecond, so ask before every pass.

    Args:
        base: Any transformers model.
        adapters: The adapters that the pass would run through.

    Returns:
        A reason that continues the sentence "the fast engine is not used: ...", or None.
    """
    if torch.is_grad_enabled():
        return "gradients are enabled"
    if type(base) is not BertModel:
        return f"the base is a {type(base).__name__}, not a BertModel"
    for name, expected in _CONFIG.items():
        value = getattr(base.config, name, expected)
        if value != expected:
            return f"the base's config has {name}={value!r}"
    attention = getattr(base.config, "_attn_implementation", None)
    if attention not in _ATTENTION:
        return f"the base's attention implementation is {attention!r}"
    weight = base.embeddings.word_embeddings.weight
    if weight.dtype not in DTYPES:
        return f"the base's weights are {weight.dtype}"
    if torch.is_autocast_enabled(weight.device.type):
        return "autocast is on"
    if base._forward_hooks or base._forward_pre_hooks:
        return "a hook is registered on the base"
    layers: Iterable[Any] = base.encoder.layer
    activations = {id(layer.intermediate.intermediate_act_fn) for layer in layers}
    if not activations:
        return "the base has no layers"
    parts: list[nn.Module] = [base.embeddings, base.encoder]
    for adapter in {id(adapter): adapter for adapter in adapters if adapter is not None}.values():
        parts.append(adapter)
        activations.update(id(bottleneck.adapter_down[-1]) for _, _, bottleneck in adapter.bottlenecks())
    while parts:  # nn.Module.modules() takes several times as long
        module = parts.pop()
        reason = _module_refusal(module, weight, id(module) in activations)
        if reason is not None:
            return reason
        parts += [child for child in module._modules.values() if child is not None]
    return None


def _module_refusal(module: nn.Module, like: Tensor, is_activation: bool) -> str | None:
    kind = type(module)
    if kind not in _TYPES and not is_activation:
        return f"it does not know the module {kind.__name__}"
    if module.training and (kind in _ATTENTION_TYPES or (isinstance(module, nn.Dropout) and module.p > 0)):
        return "the model is in training mode"
    if module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__:
        return f"a hook is registered on a {kind.__name__}"
    for parameter in module._parameters.values():
        if parameter is None:
            continue
        if type(parameter) is not nn.Parameter:
            return f"a {kind.__name__} has weights of type {type(parameter).__name__}"
        if parameter.dtype != like.dtype or parameter.device != like.device:
            return f"weights are {parameter.dtype} on {parameter.device} and {like.dtype} on {like.device}"
    return None
