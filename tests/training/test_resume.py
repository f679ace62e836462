"""Runs that are stopped, over, or another one, and what `--resume` makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins.errors import TrainingError
from specter2_plugins.training import train_adapters
from specter2_plugins.training.same_run import last_checkpoint
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, MESH, QUICK, WriteConfig

OPTIONS = replace(QUICK, max_steps=2, every=1)


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.fixture
def out(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> Path:
    train_adapters(write_config(MESH), tmp_path / "out", oracle.models, options=OPTIONS)
    return tmp_path / "out"


def test_a_run_that_is_over(
    out: Path, oracle: Oracle, write_config: WriteConfig, caplog: pytest.LogCaptureFixture
) -> None:
    before = state_of(out)
    first = train_adapters(write_config(MESH), out, oracle.models, options=OPTIONS, resume=True)
    assert f"the run in {out} is over, and nothing is changed; to go on, raise epochs or max_steps" in caplog.text
    assert state_of(out) == before
    assert (first.steps, first.folder, first.examples) == (2, out, {"mesh": 12})
    assert "mesh_accuracy" in first.metrics
    longer = train_adapters(write_config(MESH), out, oracle.models, options=replace(OPTIONS, max_steps=3), resume=True)
    assert longer.steps == 3
    with pytest.raises(TrainingError, match=r"out is 3 steps far, and 2 are asked for$"):
        train_adapters(write_config(MESH), out, oracle.models, options=OPTIONS, resume=True)


def test_a_run_that_was_killed_after_its_last_step(
    out: Path, oracle: Oracle, write_config: WriteConfig, tmp_path: Path
) -> None:
    """Nothing is left but to write the result, with no step more."""
    whole = {path.name: path.read_bytes() for path in (out / "adapters" / "classification").iterdir()}
    begun = out / "checkpoint-2" / "specter2_run.json"
    text = begun.read_text()
    begun.write_text(text[: text.index('"report": ')] + '"report": null}')
    shutil.rmtree(out / "adapters")
    report = train_adapters(write_config(MESH), out, oracle.models, options=OPTIONS, resume=True)
    assert report.steps == 2
    assert {path.name: path.read_bytes() for path in (out / "adapters" / "classification").iterdir()} == whole
    assert not (out / "checkpoint-3").exists()


def test_a_checkpoint_that_was_being_written_is_passed_over(
    out: Path, oracle: Oracle, write_config: WriteConfig
) -> None:
    (out / "checkpoint-2" / "trainer_state.json").unlink()
    assert last_checkpoint(out) == out / "checkpoint-1"
    assert train_adapters(write_config(MESH), out, oracle.models, options=OPTIONS, resume=True).steps == 2


OTHERS: list[tuple[str, Callable[[], tuple[dict[str, Any], Any]], str]] = [
    ("seed", lambda: (MESH, replace(OPTIONS, seed=7)), "seed is 7, was 42"),
    ("rate", lambda: (MESH, replace(OPTIONS, learning_rate=1e-3)), "learning_rate is 0.001, was 0.01"),
    ("adapter", lambda: ({**MESH, "ctrl_token": "[PRX]"}, OPTIONS), 'task \'mesh\': adapter is "proximity", was "cl'),
    ("task", lambda: (CITATIONS, OPTIONS), "task 'mesh' is gone; task 'cite_count' is new"),
    ("data", lambda: ({**MESH, "sample_size": {"train": 5}}, OPTIONS), "task 'mesh': sample_size is {\"train\": 5}, "),
]


@pytest.mark.parametrize(("name", "other", "message"), OTHERS, ids=[name for name, _, _ in OTHERS])
def test_another_run_is_not_gone_on_with(
    name: str, other: Callable[[], Any], message: str, out: Path, oracle: Oracle, write_config: WriteConfig
) -> None:
    task, options = other()
    before = state_of(out)
    with pytest.raises(TrainingError) as raised:
        train_adapters(write_config(task), out, oracle.models, options=options, resume=True)
    assert str(raised.value).startswith(f"{out}/checkpoint-2 is of another run than this: {message}")
    assert "\n" not in str(raised.value)
    assert state_of(out) == before


def test_another_model_is_not_gone_on_with(out: Path, tiny: Path, write_config: WriteConfig) -> None:
    with pytest.raises(TrainingError, match=r"is of another run than this: the model to start from is "):
        train_adapters(write_config(MESH), out, tiny, options=OPTIONS, resume=True)


def test_a_checkpoint_that_does_not_tell(out: Path, oracle: Oracle, write_config: WriteConfig) -> None:
    (out / "checkpoint-2" / "specter2_run.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"checkpoint-2 does not tell what it was begun with: "):
        train_adapters(write_config(MESH), out, oracle.models, options=OPTIONS, resume=True)
