"""The bottleneck against the library's, over its whole configuration space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import BertConfig, BertModel

from specter2_plugins.adapters import (
    Adapter,
    Bottleneck,
    BottleneckConfig,
    load_adapter,
    prepare,
    save_adapter,
    use_adapter,
)

HIDDEN, LAYERS = 24, 3

CONFIGS = st.builds(
    BottleneckConfig,
    mh_adapter=st.booleans(),
    output_adapter=st.just(True),
    reduction_factor=st.one_of(
        st.sampled_from([1, 2, 3.5, 16, 100, 0.5]),
        st.fixed_dictionaries({"default": st.sampled_from([2, 8])}, optional={"0": st.just(4), "2": st.just(0.5)}),
    ),
    non_linearity=st.sampled_from(["relu", "gelu", "gelu_new", "swish", "tanh", "leakyrelu", "ReLU", "silu"]),
    original_ln_before=st.booleans(),
    original_ln_after=st.booleans(),
    ln_before=st.booleans(),
    ln_after=st.booleans(),
    init_weights=st.sampled_from(["bert", "mam_adapter", "houlsby"]),
    is_parallel=st.booleans(),
    scaling=st.sampled_from([1.0, 4.0, 0.25, "learned", "channel"]),
    residual_before_ln=st.booleans(),
    adapter_residual_before_ln=st.booleans(),
    leave_out=st.sets(st.integers(0, LAYERS - 1), max_size=2).map(tuple),
    dropout=st.sampled_from([0.0, 0.3]),
).flatmap(
    lambda config: (
        st.sampled_from([config, replace(config, residual_before_ln="post_add")])
        if config.original_ln_before
        else st.just(config)
    )
)
SEEDS = st.integers(0, 2**20)


def randomise(module: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    for name, parameter in module.named_parameters():
        factor = parameter.dim() == 1 and not name.endswith("bias")
        nn.init.normal_(parameter, mean=1.0 if factor else 0.0, std=0.3)


def tiny_bert() -> BertModel:
    config = BertConfig(
        vocab_size=50,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        initializer_range=0.2,
    )
    torch.manual_seed(7)
    return BertModel(config, add_pooling_layer=False).eval()


TOKENS = torch.tensor([[2, 7, 9, 11, 3], [2, 30, 3, 0, 0]])
MASK = (TOKENS > 0).long()


@torch.no_grad()
def hidden_states(bert: BertModel) -> torch.Tensor:
    return bert(input_ids=TOKENS, attention_mask=MASK).last_hidden_state


@pytest.mark.parametrize("init_weights", ["bert", "houlsby", "mam_adapter"])
def test_fresh_weights_are_drawn_as_the_config_says(init_weights: Any) -> None:
    torch.manual_seed(0)
    bottleneck = Bottleneck(BottleneckConfig(False, True, 1, "relu", init_weights=init_weights), 200, 200)
    down, up = bottleneck.adapter_down[0].weight, bottleneck.adapter_up.weight
    assert not bottleneck.adapter_down[0].bias.any()
    assert not bottleneck.adapter_up.bias.any()
    if init_weights == "bert":
        assert down.std().item() == pytest.approx(0.02, rel=0.05)
        assert up.std().item() == pytest.approx(0.02, rel=0.05)
    elif init_weights == "houlsby":
        assert down.abs().max() <= 0.02
        assert up.std().item() == pytest.approx(0.0088, rel=0.05)
    else:
        assert not up.any()
        assert down.abs().max() <= 200**-0.5


def test_dropout_acts_in_training_only() -> None:
    bottleneck = Bottleneck(BottleneckConfig(False, True, 2, "relu", dropout=0.5), HIDDEN, 12)
    randomise(bottleneck, 0)
    inputs = (torch.randn(2, 3, HIDDEN), torch.randn(2, 3, HIDDEN), nn.Identity())
    assert not torch.equal(bottleneck.train()(*inputs), bottleneck(*inputs))
    assert torch.equal(bottleneck.eval()(*inputs), bottleneck(*inputs))


@settings(max_examples=60, deadline=None)
@given(config=CONFIGS, seed=SEEDS)
def test_what_the_library_saves_gives_its_hidden_states(config: BottleneckConfig, seed: int) -> None:
    library = pytest.importorskip("adapters")
    theirs = tiny_bert()
    library.init(theirs)
    theirs.add_adapter("their name", config=library.BnConfig(**config.to_dict()), set_active=True)
    randomise(nn.ModuleList(_modules(theirs, "their name")), seed)
    theirs.eval()
    safe = not config.ln_before and seed % 2 == 0  # the library cannot write ln_before as safetensors
    with TemporaryDirectory() as folder:
        theirs.save_adapter(folder, "their name", use_safetensors=safe)
        ours = tiny_bert()
        prepare(ours)
        adapter = load_adapter(folder, ours.config)
    assert adapter.config == config
    with use_adapter(adapter):
        torch.testing.assert_close(hidden_states(ours), hidden_states(theirs), rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(config=CONFIGS, seed=SEEDS)
def test_what_we_save_gives_the_library_our_hidden_states(config: BottleneckConfig, seed: int) -> None:
    library = pytest.importorskip("adapters")
    ours = tiny_bert()
    prepare(ours)
    adapter = Adapter(config, LAYERS, HIDDEN, "[our name]").eval()
    randomise(adapter, seed)
    theirs = tiny_bert()
    library.init(theirs)
    report: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        safe = seed % 2 == 0
        save_adapter(adapter, Path(folder) / "a", ours.config, safe_serialization=safe)
        theirs.load_adapter(f"{folder}/a", use_safetensors=safe, set_active=True, loading_info=report)
    theirs.eval()
    assert not report["unexpected_keys"]
    assert all("adapter_norm_before" in key for key in report["missing_keys"])  # held twice, stored once
    with use_adapter(adapter):
        torch.testing.assert_close(hidden_states(theirs), hidden_states(ours), rtol=0, atol=1e-5)


def _modules(model: Any, name: str) -> list[nn.Module]:
    return [module for layer in model.get_adapter(name).values() for module in layer.values()]
