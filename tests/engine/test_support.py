"""What the engine refuses, and that it says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from transformers import BertModel, DistilBertConfig, DistilBertModel

from specter2_plugins.adapters import Adapter
from specter2_plugins.engine import refusal
from tests.engine.bert import new_adapter, new_base


class LoRALinear(nn.Linear):
    """Stands for any layer that computes something else than its base class."""


class PackedWeight(nn.Parameter):
    """Stands for a quantised weight."""


def pack_weight(base: BertModel, adapter: Adapter) -> None:
    linear = base.encoder.layer[1].output.dense
    linear.weight = PackedWeight(linear.weight.data)


def replace_linear(base: BertModel, adapter: Adapter) -> None:
    base.encoder.layer[1].attention.self.query = LoRALinear(64, 64)


def offload(base: BertModel, adapter: Adapter) -> None:
    linear = base.encoder.layer[0].output.dense
    linear.forward = lambda rows: rows


def mixed_precision(base: BertModel, adapter: Adapter) -> None:
    base.encoder.layer[1].to(torch.bfloat16)


CASES: dict[str, tuple[Callable[[BertModel, Adapter], object], str]] = {
    "decoder": (lambda base, _: setattr(base.config, "is_decoder", True), "is_decoder=True"),
    "cross": (lambda base, _: setattr(base.config, "add_cross_attention", True), "add_cross_attention=True"),
    "chunks": (lambda base, _: setattr(base.config, "chunk_size_feed_forward", 8), "chunk_size_feed_forward=8"),
    "positions": (
        lambda base, _: setattr(base.config, "position_embedding_type", "relative_key"),
        "position_embedding_type='relative_key'",
    ),
    "all layers": (lambda base, _: setattr(base.config, "output_hidden_states", True), "output_hidden_states=True"),
    "attention": (lambda base, _: setattr(base.config, "_attn_implementation_internal", "mine"), "'mine'"),
    "hook on the base": (lambda base, _: base.register_forward_hook(lambda *_: None), "hook is registered on the base"),
    "hook": (
        lambda base, _: base.encoder.layer[0].register_forward_hook(lambda *_: None),
        "hook is registered on a AdaptedLayer",
    ),
    "pre-hook": (
        lambda base, _: base.encoder.layer[0].intermediate.intermediate_act_fn.register_forward_pre_hook(lambda *_: 0),
        "hook is registered on a GELUActivation",
    ),
    "hook on the adapter": (
        lambda _, adapter: adapter.bottleneck(0, "output").register_forward_hook(lambda *_: None),
        "hook is registered on a Bottleneck",
    ),
    "training": (lambda base, _: base.train(), "training mode"),
    "training one layer": (lambda base, _: base.encoder.layer[1].attention.train(), "training mode"),
    "LoRA": (replace_linear, "does not know the module LoRALinear"),
    "quantised": (pack_weight, "weights of type PackedWeight"),
    "offloaded": (offload, "hook is registered on a Linear"),
    "mixed": (mixed_precision, "weights are torch.bfloat16 on cpu and torch.float32 on cpu"),
    "adapter's precision": (lambda _, adapter: adapter.to(torch.bfloat16), "weights are torch.bfloat16 on cpu"),
    "double": (lambda base, _: base.to(torch.float64), "weights are torch.float64"),
    "pruned": (
        lambda base, _: prune.random_unstructured(base.encoder.layer[0].output.dense, "weight", 0.5),
        "hook is registered on a Linear",
    ),
    "parametrised": (
        lambda base, _: parametrizations.weight_norm(base.encoder.layer[0].output.dense),
        "does not know the module ParametrizedLinear",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_a_reason(case: str) -> None:
    change, reason = CASES[case]
    base, adapter = new_base(), new_adapter()
    change(base, adapter)
    with torch.inference_mode():
        assert reason in (refusal(base, [None, adapter]) or "")


def test_gradients_and_autocast_are_refused() -> None:
    base = new_base()
    assert refusal(base) == "gradients are enabled"
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert refusal(base) == "autocast is on"
    with torch.no_grad():
        assert refusal(base) is None


def test_other_architectures_are_refused() -> None:
    class MyBert(BertModel):
        pass

    distilled = DistilBertModel(DistilBertConfig(vocab_size=9, dim=8, n_heads=1, n_layers=1, hidden_dim=8))
    with torch.inference_mode():
        assert refusal(distilled) == "the base is a DistilBertModel, not a BertModel"
        assert refusal(MyBert(new_base().config)) == "the base is a MyBert, not a BertModel"
