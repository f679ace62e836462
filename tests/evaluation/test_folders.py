"""BEIR folders, CACM and CISI, SciBERT's lines, and how tasks are chosen among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from specter2_plugins import Specter2
from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation import read_tasks
from specter2_plugins.scirepeval import text_of
from tests.evaluation.conftest import Recorder, beir, cacm, only, scibert, write_tasks


@pytest.mark.parametrize("ending", ["txt", "jsonl"])
def test_scibert_lines_are_a_classification_task(tmp_path: Path, model: Specter2, ending: str) -> None:
    folder = scibert(tmp_path / "sci-cite", ending)
    task = only(folder)
    assert (task.name, task.metrics) == ("sci-cite", ("f1_macro", "f1_micro"))
    assert task.papers.train[:2] == [("results agree 0",), ("we use the method 1",)]
    assert set(task.papers.train_labels) == {"result", "method"}
    recorder = Recorder(model)
    assert [score.metric for score in task.evaluate(recorder)] == ["f1_macro", "f1_micro"]
    assert [name for name, _ in recorder.seen] == ["classification"]

    config = {"name": "Intent", "type": "classification", "data": {"test": "sci-cite"}, "metrics": ["f1_micro"]}
    configured = only(write_tasks(tmp_path, config))
    assert configured.papers.train == task.papers.train
    assert [score.value for score in configured.evaluate(recorder)] == [list(task.evaluate(recorder))[1].value]


def test_beir_folders_with_empty_documents(tmp_path: Path, model: Specter2) -> None:
    recorder = Recorder(model)
    scores = list(only(beir(tmp_path / "tiny")).evaluate(recorder))
    assert recorder.seen == [
        ("adhoc_query", [("nodes",)]),
        ("proximity", [("Graphs", "Nodes."), ("", "Bare."), ("", "")]),
    ]
    assert [text_of(parts, "[SEP]") for parts in recorder.seen[1][1]] == ["Graphs[SEP]Nodes.", "[SEP]Bare.", "[SEP]"]
    assert {(score.task, score.metric) for score in scores} == {
        ("tiny", "ndcg_cut_10"),
        ("tiny", "map"),
        ("tiny", "recall_100"),
    }


def test_cacm_and_cisi(tmp_path: Path) -> None:
    task = only(cacm(tmp_path))
    assert task.name == "CACM"
    assert task.documents == {"1": ("Graphs and nets", "Nodes, edges."), "2": ("Trees", "")}
    assert task.queries["query 1"] == ("which nets have edges",)
    assert task.judgements == {"query 1": {"1": 1, "2": 1}}


def test_names_choose_among_all_paths(tmp_path: Path) -> None:
    paths = beir(tmp_path / "tiny"), cacm(tmp_path / "cacm"), scibert(tmp_path / "sci-cite")
    assert [task.name for task in read_tasks(*paths)] == ["tiny", "CACM", "sci-cite"]
    assert [task.name for task in read_tasks(*paths, names=["sci-cite", "CACM"])] == ["CACM", "sci-cite"]
    with pytest.raises(EvaluationError, match="there is no task 'CISI', but: tiny, CACM, sci-cite"):
        read_tasks(*paths, names=["CISI"])
    with pytest.raises(EvaluationError, match="there is a task 'tiny' already"):
        read_tasks(paths[0], paths[0])


def test_data_are_read_when_their_turn_comes(tmp_path: Path) -> None:
    task = {"type": "regression", "metrics": ["r2"], "data": {"meta": "gone.jsonl", "test": "gone"}}
    tasks = read_tasks(write_tasks(tmp_path, {"name": "First", **task}, {"name": "Second", **task}))
    with pytest.raises(EvaluationError, match=r"task 'First': 'test' of its data is 'gone'; expected a folder"):
        next(tasks)
