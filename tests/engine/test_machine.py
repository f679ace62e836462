"""What a machine computes with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from specter2_plugins import CheckpointError, Specter2
from specter2_plugins.engine.kernels import onednn_runs
from specter2_plugins.engine.machine import Machine, auto_dtype


def test_cpu() -> None:
    machine = Machine.of("cpu")
    assert machine.threads == torch.get_num_threads()
    assert machine.float32_kernel == ("oneDNN" if onednn_runs(torch.float32) else "PyTorch")
    assert machine.auto_dtype == ("bfloat16" if machine.bfloat16_in_hardware else "float32")


def test_a_device_without_bfloat16_gets_float32() -> None:
    assert auto_dtype("mps") == torch.float32


def test_auto_is_asked_for_and_float32_the_default(new_model: Callable[..., Specter2]) -> None:
    assert new_model().dtype == torch.float32
    assert new_model(dtype="auto").dtype == auto_dtype("cpu")
    assert new_model(dtype="float16").dtype == torch.float16
    with pytest.raises(CheckpointError, match="dtype is 'int8', expected 'float32', 'bfloat16', 'float16' or 'auto'"):
        new_model(dtype="int8")
