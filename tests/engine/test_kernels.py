"""Linear layers and attention, each against PyTorch's plain form."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

from specter2_plugins.engine import attention, kernels
from specter2_plugins.engine.kernels import linear_kernel


@pytest.mark.parametrize("activation", [None, "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh"])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_linear_and_activation(kernel: str, activation: str | None, rows: int) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(48, 80)
    act = None if activation is None else ACT2FN[activation]
    inputs = torch.randn(rows, 48) * 4
    with torch.inference_mode():
        expected = linear(inputs) if act is None else act(linear(inputs))
        torch.testing.assert_close(linear_kernel(linear, rows)(inputs, act), expected, rtol=0, atol=2e-6)


def test_a_layer_without_bias(kernel: str) -> None:
    linear = nn.Linear(48, 80, bias=False)
    inputs = torch.randn(5, 48)
    with torch.inference_mode():
        torch.testing.assert_close(linear_kernel(linear, 5)(inputs), linear(inputs), rtol=0, atol=2e-6)


def test_weights_in_any_memory_layout(kernel: str) -> None:
    linear = nn.Linear(48, 80)
    linear.weight.data = torch.randn(48, 80).t()
    inputs = torch.randn(5, 48)
    with torch.inference_mode():
        torch.testing.assert_close(linear_kernel(linear, 5)(inputs), linear(inputs), rtol=0, atol=1e-5)


def test_exact_gelu_stays_exact(kernel: str) -> None:
    linear = nn.Linear(1, 1, bias=False)
    inputs = torch.linspace(-8, 8, 20001)[:, None]
    with torch.inference_mode():
        linear.weight.fill_(1)
        expected = nn.functional.gelu(inputs.double()).float()
        torch.testing.assert_close(linear_kernel(linear)(inputs, ACT2FN["gelu"]), expected, rtol=0, atol=2e-6)


def test_precisions_without_hardware_run_on_plain_torch() -> None:
    assert not kernels.onednn_runs(torch.float16)
    linear = nn.Linear(48, 80).half()
    with torch.inference_mode():
        out = linear_kernel(linear)(torch.randn(5, 48).half())
    assert out.dtype == torch.float16


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_forms_agree(first_only: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    lengths = [3, 3, 3, 40, 1, 512, 512]
    asked = [1] * len(lengths) if first_only else lengths
    query = torch.randn(sum(asked), 32, dtype=dtype)
    key, value = torch.randn(2, sum(lengths), 32, dtype=dtype)
    packed = attention.attend(query, key, value, heads=4, query_lengths=asked, lengths=lengths)
    padded = attention._attend_padded(query, key, value, 4, asked, lengths)
    torch.testing.assert_close(packed, padded, rtol=0, atol=1e-5 if dtype == torch.float32 else 2e-2)


def test_equal_lengths_share_calls_of_bounded_size() -> None:
    lengths = [2] * 5 + [512] * 4 + [3]
    runs = list(attention._runs(lengths, lengths, heads=2))
    assert [count * [length] for count, _, length in runs] == [[2] * 5, [512] * 2, [512] * 2, [3]]
