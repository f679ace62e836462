"""The ways in which a linear layer can be computed."""

from __future__ import annotations

import pytest
import torch

from specter2_plugins.engine import kernels


@pytest.fixture(params=["chosen", "reordered", "torch"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with the kernels this machine has, with weights laid out for every call, and with plain PyTorch."""
    if request.param == "torch":
        monkeypatch.setattr(kernels, "onednn_runs", lambda dtype: False)
    elif not kernels.onednn_runs(torch.float32):
        pytest.skip("no oneDNN here")
    elif request.param == "reordered":
        monkeypatch.setattr(kernels, "_ROWS_WORTH_A_REORDER", 0)
    return request.param
