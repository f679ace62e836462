"""SciRepEval's configuration: what is read, and which text goes through which adapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specter2_plugins import Specter2
from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation import evaluate, read_tasks
from specter2_plugins.evaluation.few_shot import FewShot
from tests.evaluation.conftest import PAPERS, Recorder, only, write_lines, write_tasks


def test_adhoc_search_sends_queries_through_their_adapter_and_candidates_through_proximity(
    tmp_path: Path, model: Specter2
) -> None:
    rows = [
        {"doc_id": "q", "query": "graph theory", "candidates": PAPERS[:3]},
        {"doc_id": "r", "query": "trees", "candidates": [{**PAPERS[0], "title": "Said again"}, PAPERS[3]]},
    ]
    write_lines(tmp_path / "search.jsonl", rows)
    judged = [("q", "a", 2), ("q", "b", 0), ("q", "c", 0), ("r", "a", 0), ("r", "d", 1)]
    write_lines(
        tmp_path / "test" / "test_qrel.jsonl",
        [{"query_id": query, "cand_id": paper, "score": score} for query, paper, score in judged],
    )
    task = {"name": "Search", "type": "adhoc_search", "fields": ["title", "abstract", "venue", "year"]}
    path = write_tasks(tmp_path, {**task, "metrics": ["ndcg"], "data": {"meta": "search.jsonl", "test": "test"}})

    recorder = Recorder(model)
    scores = list(only(path).evaluate(recorder))
    documents = [
        ("Graphs", "Nodes and edges.", "VLDB", "1999"),
        ("Trees", "2001"),
        ("No title here.",),
        (),
    ]
    assert recorder.seen == [("adhoc_query", [("graph theory",), ("trees",)]), ("proximity", documents)]
    assert [(score.metric, score.system) for score in scores] == [
        ("ndcg", name) for name in ("bm25", "model", "hybrid")
    ]
    separator = model.transformer.sep_token
    texts = ["Graphs[SEP]Nodes and edges.[SEP]VLDB[SEP]1999", "Trees[SEP]2001", "No title here.", "[SEP]"]
    assert separator == "[SEP]"
    np.testing.assert_allclose(recorder.embed(documents, "proximity"), model.encode(texts, task="proximity"), atol=1e-6)
    assert {task: used.adapter for task, used in recorder.used.items()} == {
        "adhoc_query": "adhoc_query",
        "proximity": "proximity",
    }


@pytest.mark.parametrize("simple", [True, False])
def test_proximity_sends_both_sides_through_one_adapter(tmp_path: Path, model: Specter2, simple: bool) -> None:
    nested = [{"query": PAPERS[0], "candidates": PAPERS[1:3]}]
    write_lines(tmp_path / "meta.jsonl", PAPERS if simple else nested)
    judged = [{"query_id": "a", "cand_id": "b", "score": 1}, {"query_id": "a", "cand_id": "c", "score": 0}]
    write_lines(tmp_path / "cite" / "test_qrel.jsonl", judged)
    data = {"simple_format": simple, "meta": "meta.jsonl", "test": "cite"}
    path = write_tasks(tmp_path, {"name": "Cite", "type": "proximity", "data": data, "metrics": ["map"]})
    recorder = Recorder(model)
    assert len(list(only(path).evaluate(recorder))) == 3
    assert [task for task, _ in recorder.seen] == ["proximity", "proximity"]
    assert recorder.seen[0][1] == [("Graphs", "Nodes and edges.")]


def test_papers_are_found_among_queries_and_candidates(tmp_path: Path, model: Specter2) -> None:
    other = {**PAPERS[0], "title": "Another record of the first query, which counts less"}
    rows = [{"query": PAPERS[0], "candidates": [PAPERS[1], other]}, {"query": PAPERS[2], "candidates": []}]
    write_lines(tmp_path / "meta.jsonl", rows)
    judged = [("a", "c", 1), ("a", "b", 0), ("b", "a", 1), ("b", "c", 0)]
    keys = ("query_id", "cand_id", "score")
    write_lines(tmp_path / "qrel.jsonl", [dict(zip(keys, row, strict=True)) for row in judged])
    data = {"simple_format": False, "meta": "meta.jsonl", "test": "qrel.jsonl"}
    nested = only(write_tasks(tmp_path, {"name": "C", "type": "proximity", "data": data, "metrics": ["map"]}))
    write_lines(tmp_path / "meta.jsonl", PAPERS[:3])
    data = {**data, "simple_format": True}
    simple = only(write_tasks(tmp_path, {"name": "C", "type": "proximity", "data": data, "metrics": ["map"]}))
    assert list(nested.evaluate(Recorder(model))) == list(simple.evaluate(Recorder(model)))
    assert nested.queries.keys() == {"a", "b", "c"}


def test_classification_reads_csv(tmp_path: Path) -> None:
    write_lines(tmp_path / "meta.jsonl", PAPERS)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "train.csv").write_text("\ufeffpaper_id,label\na,0\nb,1\nnot there,1\n")
    (tmp_path / "csv" / "test.csv").write_text("paper_id,label\nc,1\nd,0\n")
    data = {"meta": "meta.jsonl", "test": "csv"}
    shots = [{"sample_size": 1, "iterations": 2}]
    task = {"name": "Two", "type": "classification", "data": data, "metrics": ["f1"], "few_shot": shots}
    read = only(write_tasks(tmp_path, task))
    assert read.papers.train == [("Graphs", "Nodes and edges."), ("Trees",)]
    assert read.papers.train_labels.tolist() == [0, 1]
    assert read.papers.test == [("No title here.",), ()]
    assert read.few_shot == (FewShot(1, 2),)


def test_multi_label_and_regression_labels(tmp_path: Path) -> None:
    write_lines(tmp_path / "meta.jsonl", PAPERS)
    for name, values in (("labels", [[1, 0], [0, 1]]), ("numbers", [0.5, 2])):
        for split in ("train", "test"):
            rows = [{"paper_id": paper, "label": value} for paper, value in zip("ab", values, strict=True)]
            write_lines(tmp_path / name / f"{split}.jsonl", rows)
    path = write_tasks(
        tmp_path,
        {
            "name": "L",
            "type": "classification",
            "multi_label": True,
            "metrics": ["f1_macro"],
            "data": {"meta": "meta.jsonl", "test": "labels"},
        },
        {
            "name": "N",
            "type": "regression",
            "metrics": ["kendalltau"],
            "data": {"meta": "meta.jsonl", "test": "numbers"},
        },
    )
    labels, numbers = read_tasks(path)
    assert labels.papers.test_labels.tolist() == [[1, 0], [0, 1]]
    assert numbers.papers.test_labels.tolist() == [0.5, 2.0]


def test_reviewers_and_mdcr(tmp_path: Path, model: Specter2) -> None:
    write_lines(tmp_path / "meta.jsonl", PAPERS)
    write_lines(tmp_path / "test" / "test_qrel.jsonl", [{"query_id": "a", "cand_id": "r", "score": 1}])
    write_lines(tmp_path / "test" / "reviewer_metadata.jsonl", [{"r_id": "r", "papers": ["b", "c"]}])
    write_lines(tmp_path / "papers.jsonl", [{**paper, "paper_id": paper["doc_id"]} for paper in PAPERS])
    pools = {"Art": {"a": {"true": ["b"], "random": ["c", "d"]}}}
    (tmp_path / "mdcr.json").write_text(json.dumps(pools, indent=1))
    path = write_tasks(
        tmp_path,
        {
            "name": "Paper-Reviewer Matching",
            "type": "proximity",
            "metrics": ["P_5", "P_10"],
            "data": {"meta": "meta.jsonl", "test": "test", "reviewers": "test"},
        },
        {
            "name": "MDCR",
            "type": "mdcr",
            "metrics": ["map", "recall_5"],
            "data": {"meta": "papers.jsonl", "test": "mdcr.json"},
        },
    )
    report = evaluate(model, path)
    found = {(score.task, score.metric): score.value for score in report.scores if score.system == "model"}
    assert found["Paper-Reviewer Matching", "P_5"] == 20.0
    assert set(found) == {
        ("Paper-Reviewer Matching", "P_5"),
        ("Paper-Reviewer Matching", "P_10"),
        ("MDCR", "map"),
        ("MDCR", "recall_5"),
        ("MDCR, Art", "map"),
        ("MDCR, Art", "recall_5"),
    }
    assert found["MDCR", "recall_5"] == 100.0


def test_hub_data_sets_are_read_by_configuration_and_split(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    hub = tmp_path / "hub"
    write_lines(hub / "papers.jsonl", PAPERS[:3])
    for split, papers in (("train", "ab"), ("test", "c")):
        write_lines(hub / f"{split}.jsonl", [{"paper_id": paper, "label": [1, 0]} for paper in papers])
    (hub / "README.md").write_text(
        "---\nconfigs:\n"
        "- config_name: papers\n  data_files:\n  - {split: evaluation, path: papers.jsonl}\n"
        "- config_name: labels\n  data_files:\n"
        "  - {split: train, path: train.jsonl}\n  - {split: test, path: test.jsonl}\n"
        "---\n"
    )
    meta, test = ({"name": str(hub), "config": name} for name in ("papers", "labels"))
    task = {"name": "Hub", "type": "classification", "multi_label": True, "metrics": ["f1_macro"]}
    read = only(write_tasks(tmp_path, {**task, "data": {"meta": meta, "test": test}}))
    assert read.papers.train == [("Graphs", "Nodes and edges."), ("Trees",)]
    assert read.papers.test_labels.tolist() == [[1, 0]]

    lost = write_tasks(tmp_path, {**task, "data": {"meta": {**meta, "config": "none such"}, "test": test}})
    with pytest.raises(EvaluationError, match=r"task 'Hub': data set .*hub \(none such, evaluation\) cannot be had: "):
        only(lost)
