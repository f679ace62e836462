"""SciRepEval's tasks_config is read as it is, and what is wrong with it is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins.errors import TrainingError
from specter2_plugins.training import HubDataset, TrainingTask, read_tasks_config
from tests.training.conftest import ALL, DATA, FOS, MESH, SEARCH, TRIPLETS, WriteConfig


@pytest.mark.parametrize("name", ["tasks.json", "tasks.jsonl"])
def test_every_kind(name: str, write_config: WriteConfig) -> None:
    fos, mesh, count, search, triplets = read_tasks_config(write_config(*ALL, name=name))
    assert (fos.kind, fos.multi_label, fos.adapters, fos.labels_field) == (
        "classification",
        True,
        ("classification",),
        "labels_text",
    )
    assert (mesh.labels, mesh.multi_label, mesh.labelled) == (None, False, True)
    assert count.adapters == ("regression",)
    assert (search.query_adapter, search.adapter, search.adapters) == (
        "adhoc_query",
        "proximity",
        ("adhoc_query", "proximity"),
    )
    assert search.fields == ("title", "abstract", "venue", "year")
    assert triplets.adapters == ("proximity",)
    assert triplets.source == {"train": DATA / "triplets.jsonl", "dev": DATA / "triplets.jsonl"}


def test_the_published_form(write_config: WriteConfig, tmp_path: Path) -> None:
    """As in SciRepEval's own configuration: a data set of the hub, a file of labels, a size for each split."""
    (tmp_path / "labels.txt").write_text("Liver\nBrain\n\n")
    published = {
        "name": "mesh",
        "type": "classification",
        "dataset": {"path": "allenai/scirepeval", "name": "mesh_descriptors"},
        "labels": "labels.txt",
        "labels_field": "descriptor",
        "ctrl_token": "[CLF]",
        "sample_size": {"train": 600000, "dev": -1},
    }
    (task,) = read_tasks_config(write_config(published))
    assert task.source == HubDataset("allenai/scirepeval", "mesh_descriptors")
    assert task.labels == ("Liver", "Brain")
    assert task.sample_size == {"train": 600000}
    (several,) = read_tasks_config(write_config({**published, "multi_label": True}))
    assert several.labels == ("Brain", "Liver")


def test_the_documented_one(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (tmp_path / "fos").mkdir()
    for name in ("fos/train.jsonl", "fos/val.jsonl", "search.jsonl", "triplets.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "fos_labels.txt").write_text("Art\nLaw\n")
    (tmp_path / "tasks.json").write_text(docs.partition("```json\n")[2].partition("```")[0])
    tasks = read_tasks_config(tmp_path / "tasks.json")
    assert [task.kind for task in tasks] == ["classification", "regression", "ir", "triplet"]


def test_an_adapter_of_ones_own(write_config: WriteConfig) -> None:
    (task,) = read_tasks_config(write_config({**MESH, "ctrl_token": "my-topics"}))
    assert task.adapters == ("my-topics",)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({**MESH, "type": "classify"}, "task 1 ('mesh'): 'type' is 'classify', expected one of classification"),
    ({"name": "mesh"}, "task 1 ('mesh'): 'type' is missing"),
    ({**MESH, "name": 7}, "task 1: 'name' is 7, expected a str"),
    ({**MESH, "name": "a.b"}, "'name' is 'a.b'; names are printable"),
    ({**MESH, "lables": "x"}, "'lables' is not known; known are name, type"),
    ({**MESH, "ctrl_token": "[CLS]"}, "'ctrl_token' is '[CLS]'; expected [PRX], [QRY], [CLF], [RGN] or"),
    ({**MESH, "ctrl_token": None}, "'ctrl_token' is None; expected [PRX]"),
    ({**MESH, "ctrl_token": "query"}, "'ctrl_token' is 'query'; expected"),
    ({**MESH, "ctrl_token": {"query": "[QRY]", "candidates": "[PRX]"}}, "only tasks without labels have two"),
    ({**SEARCH, "ctrl_token": {"query": "[QRY]"}}, "only tasks without labels have two, 'query' and 'candidates'"),
    ({**MESH, "labels": "no.txt"}, "'labels' names 'no.txt', which is neither in"),
    ({**MESH, "labels": ["a", "a"]}, "'labels' is neither a file nor a list of two or more different classes"),
    ({**MESH, "dataset": {"path": "x"}}, "'dataset' or 'data_files': name one of the two"),
    ({**MESH, "data_files": {"dev": "x"}}, "'data_files' names dev; expected train"),
    ({**MESH, "data_files": {"train": "gone.jsonl"}}, "'data_files' names 'gone.jsonl', which is neither in"),
    ({**MESH, "sample_size": "many"}, "'sample_size' is 'many', expected a number"),
    ({**MESH, "sample_size": True}, "'sample_size' is True, expected a number"),
    ({**MESH, "sample_size": {"test": 3}}, "'sample_size' is {'test': 3}, expected a number"),
    ({**MESH, "input_fields": []}, "'input_fields' is [], expected names of fields"),
    ({**FOS, "type": "regression", "labels_field": ""}, "'labels_field' is empty"),
    ({**TRIPLETS, "type": "regression"}, "'labels_field' is missing"),
    ({**TRIPLETS, "loss": "cosine"}, "'loss' is 'cosine', expected one of triplet, contrastive, corpus"),
    ({**TRIPLETS, "type": "pair", "loss": "triplet"}, "'loss' is 'triplet', which takes a negative"),
    ({**TRIPLETS, "loss": "corpus"}, "'loss' is 'corpus', where the adapter of papers stays as it is"),
    ({**TRIPLETS, "scale": 20}, "'scale' is for the losses 'contrastive' and 'corpus'"),
    ({**TRIPLETS, "loss": "contrastive", "scale": 0}, "'scale' is 0, expected a number above 0"),
    ({**TRIPLETS, "loss": "contrastive", "scale": 10**400}, "expected a number above 0"),
    ({**MESH, "loss": "contrastive"}, "'loss' is for tasks without labels"),
    ({**MESH, "scale": 2}, "'scale' is for the losses 'contrastive' and 'corpus'"),
    ({**TRIPLETS, "loss": "contrastive", "scale": True}, "'scale' is True, expected a number above 0"),
]


@pytest.mark.parametrize(("task", "message"), WRONG)
def test_what_is_wrong_is_named(task: dict[str, Any], message: str, write_config: WriteConfig) -> None:
    path = write_config(task)
    with pytest.raises(TrainingError) as raised:
        read_tasks_config(path)
    assert str(raised.value).startswith(f"{path}: task 1")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_task_made_in_python(tmp_path: Path) -> None:
    task = TrainingTask("pairs", "pair", {"train": tmp_path / "pairs.jsonl"}, "proximity", "proximity")
    assert task.loss == "contrastive"
    with pytest.raises(TrainingError, match=r"^task 'pairs': 'loss' is 'triplet', which takes a negative"):
        replace(task, loss="triplet")


def test_names_are_used_once_and_there_is_a_task(write_config: WriteConfig) -> None:
    with pytest.raises(TrainingError, match="2 tasks have the name 'mesh'"):
        read_tasks_config(write_config(MESH, FOS, MESH))
    with pytest.raises(TrainingError, match="holds no task"):
        read_tasks_config(write_config())
