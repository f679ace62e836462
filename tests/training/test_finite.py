"""A number that is not finite stops the run, and none is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from specter2_plugins.errors import TrainingError
from specter2_plugins.training import load_heads, train_adapters
from specter2_plugins.training.finite import check_gradients, check_loss, check_weights
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, MESH, QUICK, WriteConfig


def is_finite(folder: Path) -> bool:
    return all(
        bool(torch.isfinite(tensor).all())
        for file in folder.rglob("*.safetensors")
        for tensor in load_file(file).values()
    )


def values(path: Path, *numbers: float) -> dict[str, Any]:
    rows = [{"title": f"a title {at}", "log_citations": number} for at, number in enumerate(numbers)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {**CITATIONS, "data_files": {"train": str(path)}}


def test_a_label_whose_square_is_infinite(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """float32 holds the label, and not the loss."""
    config = write_config(values(tmp_path / "rows.jsonl", 1, 2, 3e38, 4))
    expected = r"^step 1: the training loss of task 'cite_count' is inf, of its records 1, 2, 3, 4; look at these, or"
    with pytest.raises(TrainingError, match=expected):
        train_adapters(config, tmp_path / "out", oracle.models, options=QUICK)
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_step_that_is_too_large(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """The first step makes weights that are too large; what is in the folder afterwards is finite."""
    options = replace(QUICK, learning_rate=1e30, warmup=0, every=1, batch_size=4)
    with pytest.raises(TrainingError, match=r"^step [12]: .*lower the learning rate"):
        train_adapters(write_config(MESH, CITATIONS), tmp_path / "out", oracle.models, options=options)
    assert is_finite(tmp_path / "out")


def test_weights_that_are_infinite_are_not_saved(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    """Whatever made them so, after the last loss was computed."""
    from specter2_plugins import load_specter2

    model = load_specter2(oracle.models, device="cpu")

    def spoil(step: int, steps: int, found: dict[str, float]) -> None:
        if step == steps:
            trained = next(parameter for parameter in model.parameters() if parameter.requires_grad)
            trained.data.view(-1)[0] = torch.inf

    config = write_config({**MESH, "sample_size": {"dev": 0}})
    options = replace(QUICK, max_steps=2, every=1)
    with pytest.raises(TrainingError, match=r"^step 2: the weights .* are not finite, and are not saved; "):
        train_adapters(config, tmp_path / "out", model, options=options, log=spoil)
    assert is_finite(tmp_path / "out")
    assert not (tmp_path / "out" / "modules.json").exists()
    assert load_heads(tmp_path / "out" / "checkpoint-1")


def test_what_is_checked() -> None:
    weight = nn.Parameter(torch.ones(2))
    check_loss(torch.tensor(1e38), 1, "fos", [1])
    check_gradients([weight], 1, [])
    weight.grad = torch.tensor([1.0, torch.nan])
    passes = [("fos", [12, 3]), ("mesh", list(range(1, 12))), ("fos", [5])]
    with pytest.raises(TrainingError) as raised:
        check_gradients([weight], 7, passes)
    assert str(raised.value) == (
        "step 7: a gradient is not finite, of task 'fos', records 3, 5, 12 and task 'mesh', records "
        "1, 2, 3, 4, 5, 6, 7, 8 and 3 more; lower the learning rate"
    )
    with pytest.raises(TrainingError, match=r"the weights head\.weight are not finite"):
        check_weights([("a", torch.ones(1)), ("head.weight", torch.tensor([torch.nan]))], 1)
