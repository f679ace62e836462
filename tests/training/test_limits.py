"""Where texts are cut, and that adapters of no task stay what they were for texts of every length."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from specter2_plugins import Specter2, load_specter2
from specter2_plugins.errors import TrainingError
from specter2_plugins.training import train_adapters
from tests.conftest import Oracle
from tests.training.conftest import CITATIONS, MESH, QUICK, WriteConfig

WORDS = [
    "deep",
    "residual",
    "learning",
    "of",
    "image",
    "recognition",
    "in",
    "molecular",
    "biology",
    "and",
    "graph",
    "theory",
]
TEXTS = [" ".join((WORDS * 60)[:length]) for length in (1, 3, 20, 38, 39, 40, 41, 60, 126, 127, 128, 200, 260, 600)]
OWN = {**CITATIONS, "ctrl_token": "citations", "sample_size": {"dev": 0}}


@pytest.mark.parametrize("max_tokens", [None, 24])
def test_a_new_adapter_leaves_the_others_alone(
    max_tokens: int | None, mini: Specter2, write_config: WriteConfig, tmp_path: Path
) -> None:
    untouched = [*mini.transformer.adapter_tasks, "base"]
    before = {task: mini.encode(TEXTS, task=task) for task in untouched}
    prints = {task: mini.fingerprint(task) for task in untouched}
    options = replace(QUICK, max_steps=2, every=1, max_tokens=max_tokens)
    out = train_adapters(write_config(OWN), tmp_path / "out", "mini", options=options).folder
    for folder in (out, out / "checkpoint-1"):
        trained = load_specter2(folder, device="cpu")
        assert trained.max_seq_length == mini.max_seq_length == 256
        assert "citations" in trained.transformer.adapter_tasks
        for task in untouched:
            assert trained.fingerprint(task).differences(prints[task].to_dict()) == []
            np.testing.assert_array_equal(trained.encode(TEXTS, task=task), before[task])


def test_the_model_bounds_what_is_asked_for(tiny: Path, write_config: WriteConfig, tmp_path: Path) -> None:
    """By default it is cut where the model cuts, however long the abstracts are."""
    model = load_specter2(tiny, adapters={}, device="cpu")
    assert model.max_seq_length == 128
    with pytest.raises(TrainingError, match=r"^max_tokens is 129, and the model takes 128$"):
        train_adapters(write_config(MESH), tmp_path / "out", model, options=replace(QUICK, max_tokens=129))
    assert not (tmp_path / "out").exists()
    assert max(len(model.tokenizer(text)["input_ids"]) for text in TEXTS) > 512

    seen: list[int] = []
    forward = model.transformer.forward

    def record(features: dict, **kwargs: object) -> dict:
        seen.append(features["input_ids"].shape[-1])
        return forward(features, **kwargs)

    model.transformer.forward = record  # type: ignore[method-assign]
    rows = [{"title": text[:9], "abstract": text, "descriptor": str(at % 2)} for at, text in enumerate(TEXTS)]
    (tmp_path / "long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = write_config({**MESH, "data_files": {"train": "long.jsonl", "dev": "long.jsonl"}})
    train_adapters(config, tmp_path / "out", model, options=replace(QUICK, max_tokens=None, max_steps=2))
    assert max(seen) == model.max_seq_length == 128


def test_a_model_that_is_handed_over_cuts_as_before(oracle: Oracle, write_config: WriteConfig, tmp_path: Path) -> None:
    model = load_specter2(oracle.models, device="cpu")
    train_adapters(write_config(OWN), tmp_path / "out", model, options=replace(QUICK, max_steps=1))
    assert model.max_seq_length == 512
