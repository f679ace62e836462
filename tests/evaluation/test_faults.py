"""Bad configurations, files and data end in one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Specter2
from specter2_plugins.errors import EvaluationError, TaskError
from specter2_plugins.evaluation import evaluate, read_tasks
from tests.evaluation.conftest import PAPERS, beir, cacm, only, scibert, write_lines, write_tasks

GOOD = {"name": "T", "type": "classification", "metrics": ["f1_macro"], "data": {"meta": "meta.jsonl", "test": "test"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "task 1: 'name' is None"),
        ({"type": "clustering"}, "task 1: unknown type 'clustering'; expected one of classification, "),
        ({"data": "folder"}, "task 1: 'data' is 'folder'"),
        ({"metrics": "f1"}, "task 1: 'metrics' is 'f1'"),
        ({"metrics": ["accuracy_macro"]}, "task 1: unknown metric 'accuracy_macro'; classification has accuracy, "),
        ({"type": "regression"}, "task 1: unknown metric 'f1_macro'; regression has kendalltau, "),
        ({"type": "proximity", "metrics": ["ndcg@10"]}, "task 1: unknown metric 'ndcg@10'; rankings have trec_eval's"),
        ({"type": "proximity", "metrics": ["P"]}, "task 1: unknown metric 'P'; rankings have trec_eval's"),
        ({"few_shot": [{"sample_size": 4}]}, "task 1: few_shot: {'sample_size': 4}; expected"),
        ({"few_shot": [{"sample_size": 4, "iterations": 0}]}, "task 1: few_shot: iterations is 0"),
        ({"multi_label": "yes"}, "task 1: 'multi_label' is 'yes'"),
        ({"data": {"meta": 3, "test": "test"}}, "task 'T': 'meta' of its data is 3; expected a path, or "),
        (
            {"data": {"meta": "meta.jsonl"}},
            "task 'T': 'test' of its data is 'meta.jsonl'; expected a folder with train",
        ),
        (
            {"data": {"meta": "meta.jsonl", "test": "test/test.jsonl"}},
            "task 'T': 'test' of its data is 'test/test.jsonl'; expected a folder with train and test",
        ),
        ({"metrics": []}, "task 1: it names no metrics"),
        ({"fields": ["titel", "abstract"]}, "task 'T': no paper of 'meta' has titel; they have: abstract, doc_id, "),
        ({"type": "proximity", "metrics": ["P_0"]}, "task 1: unknown metric 'P_0'"),
        ({"type": "proximity", "metrics": ["ndcg_cut_10,0"]}, "task 1: unknown metric 'ndcg_cut_10,0'"),
        ({"type": "proximity", "metrics": ["P_0.5"]}, "task 1: unknown metric 'P_0.5'"),
        ({"type": "regression", "metrics": ["r2"], "multi_label": True}, "task 1: a regression has neither 'multi_"),
        ({"few_shot": [{"sample_size": 4, "iterations": 1}] * 2}, "task 1: two of its 'few_shot' runs have one sample"),
        (
            {"data": {"meta": "meta.xml", "test": "test"}},
            "task 'T': .*meta.xml: unknown ending; expected one of .jsonl",
        ),
        ({"data": {"meta": "test", "test": "test"}}, "task 'T': .*test holds no meta.jsonl and no meta.txt"),
        ({"multi_label": True}, "task 'T': label 'x' of a 'multi_label' task"),
        ({"type": "regression", "metrics": ["r2"]}, "task 'T': label 'x' is no number"),
    ],
)
def test_bad_configurations_say_what_is_wrong(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write_lines(tmp_path / "meta.jsonl", PAPERS)
    for split in ("train", "test"):
        write_lines(tmp_path / "test" / f"{split}.jsonl", [{"paper_id": paper, "label": "x"} for paper in "ab"])
    assert only(write_tasks(tmp_path, GOOD)).name == "T"
    with pytest.raises(EvaluationError, match=message):
        only(write_tasks(tmp_path, {**GOOD, **change}))


@pytest.mark.parametrize(
    ("make", "spoil", "text", "message"),
    [
        (beir, "corpus.jsonl", '{"_id": 1, "text": "a"}\n{oops\n', r"corpus.jsonl:2: Expecting property name"),
        (beir, "corpus.jsonl", '{"_id": 1}\n', r"corpus.jsonl: record 1 has no 'text'; it has: _id"),
        (beir, "corpus.jsonl", "[1]\n", r"corpus.jsonl: record 1 is no object"),
        (beir, "queries.jsonl", b"\xff", r"queries.jsonl cannot be read: .*utf-8"),
        (
            beir,
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq1\t1\thigh\n",
            r"query 'q1', candidate '1': score 'high' is no",
        ),
        (beir, "qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\t1\t2000000000\n", r"score '2000000000' is no whole"),
        (beir, "qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "there are no judgements"),
        (beir, "queries.jsonl", '{"_id": null, "text": "a"}\n', "a record has no _id"),
        (beir, "corpus.jsonl", '{"_id": 1, "text": ["a"]}\n', r"text is \['a'\], expected a text"),
        (scibert, "test.txt", '{"text": "a", "label": null}\n', "a paper has no label"),
        (scibert, "test.txt", "", "none of its test data is there"),
        (cacm, "cacm.all", "Graphs\n", r"cacm.all:1: expected a record"),
        (cacm, "cacm.all", ".I one\n", r"cacm.all:1: record without a number"),
        (cacm, "qrels.text", "1\n", r"qrels.text:1: expected the numbers"),
        (scibert, "test.txt", '{"text": "no label"}\n', r"test.txt: record 1 has no 'label'"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, make: Callable[[Path], Path], spoil: str, text: str | bytes, message: str
) -> None:
    folder = make(tmp_path / "folder")
    (folder / spoil).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EvaluationError, match=f"^task '.*': .*{message}"):
        only(folder)


def test_missing_files_are_named(tmp_path: Path) -> None:
    (cacm(tmp_path / "cacm") / "query.text").unlink()
    with pytest.raises(EvaluationError, match=r"task 'CACM': .*query.text cannot be read"):
        only(tmp_path / "cacm")
    for name in ("test.tsv", "train.tsv"):
        (beir(tmp_path / name) / "qrels" / name).unlink()
    assert only(tmp_path / "test.tsv").judgements == {"q2": {"1": 1}}
    (tmp_path / "test.tsv" / "qrels" / "dev.tsv").touch()
    with pytest.raises(EvaluationError, match=r"qrels holds dev.tsv, train.tsv; expected test.tsv, or one file"):
        only(tmp_path / "test.tsv")
    with pytest.raises(EvaluationError, match="is no task configuration"):
        only(tmp_path)


def test_what_cannot_be_measured_names_the_task(tmp_path: Path, model: Specter2) -> None:
    folder = scibert(tmp_path / "few")
    write_lines(folder / "train.txt", [{"text": "one", "label": "a"}, {"text": "two", "label": "b"}])
    with pytest.raises(EvaluationError, match=r"task 'few': nothing can be learnt from these 2 papers: .*n_splits=3"):
        evaluate(model, folder)
    write_lines(
        tmp_path / "tasks.jsonl", [{"name": "F", "type": "classification", "data": {"test": "good"}, "metrics": ["f1"]}]
    )
    scibert(tmp_path / "good")
    with pytest.raises(EvaluationError, match="task 'F': f1 cannot be computed: pos_label=1 is not a valid label"):
        evaluate(model, tmp_path / "tasks.jsonl")
    (beir(tmp_path / "lost") / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nx\t1\t1\n")
    with pytest.raises(EvaluationError, match="task 'lost': of 1 judged queries none is there"):
        evaluate(model, tmp_path / "lost")
    (tmp_path / "lost" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tx\t1\n")
    with pytest.raises(EvaluationError, match="task 'lost': none of the candidates that were judged is there"):
        evaluate(model, tmp_path / "lost")
    (tmp_path / "lost" / "corpus.jsonl").write_text("")
    with pytest.raises(EvaluationError, match="task 'lost': none of the candidates that were judged is there"):
        evaluate(model, tmp_path / "lost")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(EvaluationError, match="there is no task in"):
        read_tasks(tmp_path / "empty.jsonl")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"data": {"meta": "searches.jsonl", "test": "qrel.jsonl"}}, "the candidates of query 'q' are no list"),
        (
            {"data": {"meta": "papers.jsonl", "test": "qrel.jsonl", "reviewers": "reviewers.jsonl"}},
            "the papers of reviewer 'r' are no list",
        ),
        ({"type": "mdcr", "data": {"meta": "papers.jsonl", "test": "mdcr.json"}}, "field 'Art' is not as MDCR's are"),
    ],
)
def test_lists_that_are_none_are_named(tmp_path: Path, task: dict[str, Any], message: str) -> None:
    write_lines(tmp_path / "searches.jsonl", [{"doc_id": "1", "query": "q", "candidates": None}])
    write_lines(tmp_path / "papers.jsonl", [{"doc_id": "1", "paper_id": "1", "title": "A"}])
    write_lines(tmp_path / "reviewers.jsonl", [{"r_id": "r", "papers": "12"}])
    write_lines(tmp_path / "qrel.jsonl", [{"query_id": "1", "cand_id": "r", "score": 1}])
    (tmp_path / "mdcr.json").write_text('{"Art": {"1": {"true": "12"}}}')
    with pytest.raises(EvaluationError, match=f"task 'T': {message}"):
        only(write_tasks(tmp_path, {"name": "T", "type": "proximity", "metrics": ["map"], **task}))


def test_a_query_with_nothing_but_scores_below_zero(tmp_path: Path, model: Specter2) -> None:
    folder = beir(tmp_path / "below")
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\t1\t-1\nq1\t2\t-1\nq1\t3\t-2\nq2\t1\t1\n"
    )
    measured = {(score.metric, score.system): score.value for score in evaluate(model, folder).scores}
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t1\t0\nq2\t1\t1\n")
    assert measured == {(score.metric, score.system): score.value for score in evaluate(model, folder).scores}


def test_few_shot_needs_papers_enough(tmp_path: Path, model: Specter2) -> None:
    write_lines(tmp_path / "meta.jsonl", [{"doc_id": number, "title": f"paper {number}"} for number in range(12)])
    for split in ("train", "test"):
        rows = [{"paper_id": number, "label": [number % 2, int(number < 2)]} for number in range(12)]
        write_lines(tmp_path / "test" / f"{split}.jsonl", rows)
    task = {**GOOD, "multi_label": True, "few_shot": [{"sample_size": 3, "iterations": 1}]}
    with pytest.raises(EvaluationError, match="task 'T': label 1 has 2 training papers, fewer than a sample of 3"):
        evaluate(model, write_tasks(tmp_path, task))


def test_a_model_without_the_adapter_says_so(tmp_path: Path, new_model: Any) -> None:
    bare = new_model(adapters={})
    folder = scibert(tmp_path / "sci-cite")
    with pytest.raises(TaskError, match="'classification' needs an adapter that this model was loaded without"):
        evaluate(bare, folder)
    report = evaluate(bare, folder, adapter="base")
    assert report.made_with["classification"]["adapter"] == "base"
