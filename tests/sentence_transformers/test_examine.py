"""What `specter2 doctor` finds out, and the pair of texts that it checks a model with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from specter2_plugins import Specter2
from specter2_plugins.checkpoints.families import families
from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.sentence_transformers.examine import examine
from specter2_plugins.sentence_transformers.self_check import self_check
from specter2_plugins.tasks import TASK_FORMATS
from tests.conftest import Oracle

TASKS = list(TASK_FORMATS)


def test_mini_gives_its_known_pair_with_its_own_pooling(mini: Specter2) -> None:
    assert mini[1].pooling_mode == "mean"
    checked = self_check(mini, families()["mini"])
    assert checked.faults == []
    assert checked.distance == pytest.approx(families()["mini"].known_distance, abs=1e-5)
    assert checked.difference < 1e-5
    assert all(far > 0.01 for far in checked.adapters.values())
    assert mini.transformer.engine == "auto"


def test_other_weights_and_idle_adapters_are_found(oracle: Oracle) -> None:
    from specter2_plugins import load_specter2

    model = load_specter2(oracle.models, device="cpu")
    known = replace(families()["mini"], known_distance=1.0)
    assert "the known pair lies" in self_check(model, known).faults[0]
    with torch.no_grad():
        for parameter in model.transformer.adapters.parameters_of("regression"):
            parameter.zero_()
        scale = model.transformer.adapters.state_of("regression")
    assert scale
    idle = [fault for fault in self_check(model).faults if "'regression' changes nothing" in fault]
    # LN(LN(x)) is not LN(x): a bottleneck of zeros still normalises twice.
    assert idle == [] or len(idle) == 1
    with torch.no_grad():
        model.transformer.model.embeddings.word_embeddings.weight.fill_(float("nan"))
    assert "vectors hold NaN or infinity" in self_check(model).faults


def test_a_whole_examination(oracle: Oracle) -> None:
    found = examine(oracle.models, device="cpu")
    assert (found.faults, found.notes) == ([], [])
    assert list(found.adapters) == TASKS
    assert found.base["folder"] == str(oracle.base)
    assert found.computes["pooling"] == "cls"
    assert found.computes["engine"] == "packed"
    assert found.versions["torch"] == torch.__version__.partition("+")[0] or found.versions["torch"]
    assert found.check["expected"] is None
    half = examine(oracle.models, device="cpu", dtype="bfloat16")
    assert (half.computes["dtype"], half.faults) == ("bfloat16", [])


def test_a_bare_model_and_one_that_is_not_there(oracle: Oracle, tmp_path: Path) -> None:
    bare = examine(oracle.base, {}, device="cpu")
    assert bare.faults == []
    assert "without adapters, queries and papers go through the same weights" in bare.advice[0]
    gone = examine(tmp_path / "gone", device="cpu")
    assert "neither an existing folder" in gone.faults[0]
    assert gone.machine["device"] == "cpu"
    assert gone.versions
    damaged = Path(shutil.copytree(oracle.models, tmp_path / "damaged"))
    (damaged / "base" / "model.safetensors").write_bytes(b"<html>")
    found = examine(damaged, device="cpu")
    assert "is an HTML page" in found.faults[0]
    assert found.adapters.keys() == set(TASKS)


def test_what_is_missing_is_advice(oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for repo, source in (("specter2_base", oracle.base), ("specter2", oracle.models / "adapters" / "proximity")):
        shutil.copytree(source, tmp_path / f"models--allenai--{repo}" / "snapshots" / "abc")
    hub = Hub(cache_folder=tmp_path, local_files_only=True)
    found = examine("allenai/specter2_base", device="cpu", hub=hub)
    assert list(found.missing) == TASKS[1:]
    assert found.base["commit"] == "abc"
    assert found.faults == []
    assert "HF_HUB_OFFLINE is set" in found.advice[0]
    assert "hf download allenai/specter2_adhoc_query" in found.advice
    assert len(found.notes) == 1
    json.dumps(found.computes)
