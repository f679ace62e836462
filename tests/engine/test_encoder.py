"""The engine against the base's own forward."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from specter2_plugins.adapters import use_adapter
from specter2_plugins.engine import PackedTokens, encode, encoder, pad, refusal
from tests.engine.bert import (
    CONFIGS,
    HIDDEN,
    HOULSBY,
    PARALLEL,
    assert_equal,
    fast,
    new_adapter,
    new_base,
    reference,
    sentences,
)

BASE = new_base()
ADAPTERS = [None, new_adapter(), new_adapter(HOULSBY, 3), new_adapter(PARALLEL, 4)]

BATCHES = st.lists(
    st.tuples(st.one_of(st.integers(1, 40), st.integers(1, 512)), st.sampled_from(range(len(ADAPTERS)))),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=BATCHES, first_only=st.booleans(), seed=st.integers(0, 99))
def test_any_lengths_orders_and_adapters(
    kernel: str, batch: list[tuple[int, int]], first_only: bool, seed: int
) -> None:
    ids = sentences([length for length, _ in batch], seed)
    adapters = [ADAPTERS[number] for _, number in batch]
    assert_equal(fast(BASE, ids, adapters, first_only), reference(BASE, ids, adapters))


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("config", CONFIGS)
def test_every_configuration(kernel: str, config: str, first_only: bool) -> None:
    ids = sentences([1, 9, 30, 9])
    adapters = [new_adapter(CONFIGS[config])] * 4
    assert_equal(fast(BASE, ids, adapters, first_only), reference(BASE, ids, adapters))
    assert (reference(BASE, ids, adapters)[0] - reference(BASE, ids, [None] * 4)[0]).abs().max() > 0.05


@pytest.mark.parametrize("config", CONFIGS)
def test_configurations_mixed_with_seq_bn_and_none(config: str) -> None:
    ids = sentences([20, 9, 30, 9, 1])
    adapters = [new_adapter(CONFIGS[config]), None, ADAPTERS[1], ADAPTERS[1], None]
    assert_equal(fast(BASE, ids, adapters), reference(BASE, ids, adapters))


@pytest.mark.parametrize("rows", [1, 60, 600])
@pytest.mark.parametrize("first_only", [False, True])
def test_several_blocks(rows: int, first_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_BLOCK_ROWS", rows)
    ids = sentences([500, 3, 20, 512, 20, 300, 30, 1])
    adapters = [ADAPTERS[1], None, ADAPTERS[1], ADAPTERS[1], ADAPTERS[2], ADAPTERS[1], None, ADAPTERS[1]]
    assert_equal(fast(BASE, ids, adapters, first_only), reference(BASE, ids, adapters))


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_act": "relu"},
        {"hidden_act": "gelu_new"},
        {"num_hidden_layers": 1},
        {"layer_norm_eps": 1e-2},
        {"type_vocab_size": 1},
        {"num_attention_heads": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("first_only", [False, True])
def test_other_bases(config: dict[str, Any], first_only: bool) -> None:
    base = new_base(**config)
    ids = sentences([30, 2, 17])
    adapters = ADAPTERS[:3]
    assert_equal(fast(base, ids, adapters, first_only), reference(base, ids, adapters))


@pytest.mark.parametrize("side", ["right", "left"])
def test_padded_batches_with_token_types(side: str) -> None:
    lengths = [4, 25, 11]
    mask = (torch.arange(25) < torch.tensor(lengths)[:, None]).long()
    mask = mask if side == "right" else mask.flip(1)
    ids, types = torch.randint(120, (3, 25)), torch.randint(2, (3, 25))
    with torch.inference_mode():
        with use_adapter(ADAPTERS[1]):
            expected = BASE(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        tokens = PackedTokens.from_padded(ids, mask, types)
        got = pad(encode(BASE, tokens, [ADAPTERS[1]] * 3), mask)
    torch.testing.assert_close(got, expected * mask[:, :, None], rtol=0, atol=1e-5)


def distances(vectors: list[Tensor], expected: list[Tensor]) -> Tensor:
    """1 - cosine of every token."""
    pairs = zip(vectors, expected, strict=True)
    cosines = [torch.cosine_similarity(one.double(), other[: len(one)].double(), dim=-1) for one, other in pairs]
    return 1 - torch.cat(cosines)


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("config", ["seq_bn", "double_seq_bn", "par_bn", "own norms"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(kernel: str, dtype: torch.dtype, config: str, first_only: bool) -> None:
    ids = sentences([1, 9, 30, 200])
    adapter = new_adapter(CONFIGS[config])
    adapters = [adapter, None, adapter, adapter]
    expected = reference(BASE, ids, adapters)
    base, narrow = copy.deepcopy(BASE).to(dtype), copy.deepcopy(adapter).to(dtype)
    adapters = [narrow, None, narrow, narrow]
    vectors = fast(base, ids, adapters, first_only)
    plain = [each[: len(one)] for each, one in zip(reference(base, ids, adapters), vectors, strict=True)]
    assert vectors[0].dtype == dtype
    assert distances(vectors, expected).max() < 5e-4
    assert distances(vectors, expected).mean() < 1.2 * distances(plain, expected).mean()


def test_no_sequences() -> None:
    with torch.inference_mode():
        assert encode(BASE, PackedTokens.from_lists([]), []).shape == (0, HIDDEN)


def test_a_sequence_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="has 513 tokens, the base takes 512"):
        fast(BASE, sentences([513]), [None])


def test_one_adapter_per_sequence_is_expected() -> None:
    with pytest.raises(ValueError, match="1 adapters for 2 sequences"):
        fast(BASE, sentences([3, 4]), [None])


def test_what_is_tested_here_is_not_refused() -> None:
    with torch.inference_mode():
        assert refusal(BASE, ADAPTERS) is None
        assert refusal(BASE, [new_adapter(config) for config in CONFIGS.values()]) is None
