"""One linear layer, computed the fastest way that its device, precision and platform have.

Nothing here outlives a call: the weights are read where the model keeps them, so training, loading, casting and
in-place edits need no invalidation, and no second copy of the base lies in memory.
"""

from __future__ import annotations

import functools
import platform
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.activations import GELUActivation

FUSED_ACTIVATIONS: dict[type[nn.Module], tuple[str, str]] = {
    GELUActivation: ("gelu", "none"),
    nn.ReLU: ("relu", ""),
    nn.SiLU: ("swish", ""),
}
"""Activations that oneDNN applies as it writes a linear layer's output: name and algorithm (GELU: the exact one)."""

# Laying out a weight in oneDNN's blocked format takes as long as multiplying some hundreds of rows with it and
# makes every further row 7 % (float32) to 11 % (bfloat16) cheaper; measured on AVX-512.
_ROWS_WORTH_A_REORDER = 2048


class LinearKernel(Protocol):
    """A linear layer and the activation that follows it, in one call."""

    def __call__(self, rows: Tensor, activation: nn.Module | None = None) -> Tensor:
        """Compute `activation(rows @ weight.T + bias)`: [rows, inputs] -> a new tensor, [rows, outputs]."""


def linear_kernel(linear: nn.Linear, rows: int = 0) -> LinearKernel:
    """Choose how to compute a linear layer.

    Args:
        linear: The layer. Its weights are read now, so a kernel must not be kept beyond the forward pass.
        rows: How many rows will go through the kernel, where that is worth preparing for.
    """
    weight = linear.weight
    if weight.device.type == "cpu" and onednn_runs(weight.dtype):
        return _OneDnnLinear(linear, rows)
    return _TorchLinear(linear)


@functools.cache
def onednn_runs(dtype: torch.dtype) -> bool:
    """Return whether PyTorch's fused oneDNN linear runs here in a precision, in hardware.

    Only on x86, where plain PyTorch takes MKL's matrix product, which on AMD runs at half to a third of oneDNN's
    speed. Elsewhere plain PyTorch is the fast path.
    """
    if platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise") or not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


class _TorchLinear:
    def __init__(self, linear: nn.Linear) -> None:
        self._weight = linear.weight
        self._bias = linear.bias

    def __call__(self, rows: Tensor, activation: nn.Module | None = None) -> Tensor:
        out = F.linear(rows, self._weight, self._bias)
        return out if activation is None else activation(out)


class _OneDnnLinear:
    def __init__(self, linear: nn.Linear, rows: int) -> None:
        self._bias = linear.bias
        self._weight = linear.weight
        if rows >= _ROWS_WORTH_A_REORDER:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight, rows)

    def __call__(self, rows: Tensor, activation: nn.Module | None = None) -> Tensor:
        fused = FUSED_ACTIVATIONS.get(type(activation)) if activation is not None else None
        name, algorithm = fused or ("none", "")
        out = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, name, [], algorithm)
        return out if activation is None or fused else activation(out)
