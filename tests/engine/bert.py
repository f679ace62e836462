"""A tiny BERT, adapters of every kind, and the two ways to run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertModel

from specter2_plugins.adapters import Adapter, BottleneckConfig, prepare, use_adapter
from specter2_plugins.engine import PackedTokens, encode

VOCABULARY = 120
HIDDEN = 64
LAYERS = 3

SEQ_BN = replace(BottleneckConfig.from_dict("seq_bn"), reduction_factor=4)
HOULSBY = replace(BottleneckConfig.from_dict("double_seq_bn"), reduction_factor=4)
PARALLEL = BottleneckConfig.from_dict("par_bn")

CONFIGS: dict[str, BottleneckConfig] = {
    "seq_bn": SEQ_BN,
    "seq_bn gelu": replace(SEQ_BN, non_linearity="gelu"),
    "seq_bn tanh": replace(SEQ_BN, non_linearity="tanh"),
    "seq_bn in attention": replace(SEQ_BN, mh_adapter=True, output_adapter=False),
    "double_seq_bn": HOULSBY,
    "par_bn": PARALLEL,
    "scaled_par_bn": replace(PARALLEL, scaling="learned"),
    "scaled": replace(SEQ_BN, scaling=2.0),
    "scaled by channel": replace(SEQ_BN, scaling="channel"),
    "own norms": replace(SEQ_BN, ln_before=True, ln_after=True),
    "own norm inside": replace(HOULSBY, ln_after=True, adapter_residual_before_ln=True),
    "post_add": replace(SEQ_BN, residual_before_ln="post_add"),
    "residual after norm": replace(SEQ_BN, residual_before_ln=False),
    "no norms": replace(SEQ_BN, original_ln_before=False, original_ln_after=False),
    "no norm after": replace(SEQ_BN, original_ln_after=False),
    "some layers": replace(SEQ_BN, leave_out=(0, LAYERS - 1), dropout=0.1),
}


def new_base(seed: int = 0, **config: Any) -> BertModel:
    """A prepared BERT in evaluation mode; weights are drawn wide enough for attention to be uneven."""
    torch.manual_seed(seed)
    settings = {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "initializer_range": 0.1,
    }
    base = BertModel(BertConfig(**{**settings, **config}))
    randomise(base, 0.1)
    prepare(base)
    return base.eval()


def new_adapter(config: BottleneckConfig = SEQ_BN, seed: int = 1) -> Adapter:
    """An adapter that changes what it is given."""
    torch.manual_seed(seed)
    adapter = Adapter(config, LAYERS, HIDDEN, "an_adapter")
    randomise(adapter, 0.2)
    return adapter.eval()


def randomise(module: torch.nn.Module, deviation: float) -> None:
    """Move every weight, biases and norms too, which start at 0 and 1."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * deviation)


def sentences(lengths: Sequence[int], seed: int = 2) -> list[list[int]]:
    """Random vocabulary ids."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(VOCABULARY, (length,), generator=generator).tolist() for length in lengths]


def reference(base: BertModel, ids: Sequence[Sequence[int]], adapters: Sequence[Adapter | None]) -> list[Tensor]:
    """Each sequence by itself through the base's own forward: [tokens, hidden size] each."""
    outputs = []
    with torch.inference_mode():
        for sequence, adapter in zip(ids, adapters, strict=True):
            with use_adapter(adapter):
                outputs.append(base(input_ids=torch.tensor([sequence])).last_hidden_state[0])
    return outputs


def fast(
    base: BertModel, ids: Sequence[Sequence[int]], adapters: Sequence[Adapter | None], first_only: bool = False
) -> list[Tensor]:
    """All sequences in one pass of the engine: [tokens, hidden size] each; with `first_only` [1, hidden size]."""
    with torch.inference_mode():
        packed = encode(base, PackedTokens.from_lists(ids), adapters, first_only=first_only)
    return list(packed.split([1 if first_only else len(sequence) for sequence in ids]))


def assert_equal(got: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float = 1e-5) -> None:
    """Compare sequence by sequence; where `got` has the first token only, that one."""
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one.float(), other[: len(one)].float(), rtol=0, atol=tolerance)
