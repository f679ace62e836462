"""Rows become what a loss reads."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from specter2_plugins.errors import TrainingError
from specter2_plugins.training import TrainingTask, read_tasks_config
from specter2_plugins.training.examples import find_classes, load_examples
from tests.training.conftest import ALL, FOS, MESH, SEARCH, TRIPLETS, WriteConfig


@pytest.fixture
def tasks(write_config: WriteConfig) -> dict[str, TrainingTask]:
    return {task.name: task for task in read_tasks_config(write_config(*ALL))}


def load(task: TrainingTask, folder: Path, split: Any = "train") -> Dataset:
    loaded = load_examples(task, split, "[SEP]", 0, folder / "tables")
    assert loaded is not None
    return loaded


def on(rows: list[dict[str, Any]], task: TrainingTask, folder: Path, name: str = "rows.jsonl") -> TrainingTask:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return replace(task, source={"train": path})


def test_classes(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    found = find_classes(tasks["mesh"])
    assert found[:3] == ("Adenocarcinoma", "Bacterial Proteins", "Breast Neoplasms")
    rows = load(replace(tasks["mesh"], labels=found), tmp_path)
    assert [found[label] for label in rows["label"]][:3] == ["Liver Neoplasms", "Breast Neoplasms", "Liver"]
    assert rows["text"][0].startswith("[Extended hepatic pedicle occlusion in major hepatectomy for primary liver")
    assert "[SEP]OBJECTIVE" in rows["text"][0]


def test_several_labels_a_paper(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    classes = find_classes(tasks["fos"])
    rows = load(replace(tasks["fos"], labels=classes), tmp_path)
    fifth = [name for name, there in zip(classes, rows[4]["label"], strict=True) if there]
    assert fifth == ["Environmental science", "Geography"]


def test_values(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    lines = Path(FOS["data_files"]["train"]).read_text(encoding="utf-8").splitlines()  # type: ignore[index]
    expected = [json.loads(line)["log_citations"] for line in lines]
    assert load(tasks["cite_count"], tmp_path)["label"] == pytest.approx(expected)


def test_a_search_makes_up_to_five_triplets(
    tasks: dict[str, TrainingTask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def candidates(*scores: int) -> list[dict[str, Any]]:
        return [{"title": f"{score}-{at}", "abstract": None, "score": score} for at, score in enumerate(scores)]

    rows = [
        {"query": "many", "candidates": candidates(0, 0, 1, 2, 0, 0, 0, 0)},
        {"query": "few", "candidates": candidates(1, 0, 1)},
        {"query": {"title": "a paper", "abstract": "as query"}, "candidates": candidates(1, 0)},
        {"query": "none clicked", "candidates": candidates(0, 0)},
        {"query": "all clicked", "candidates": candidates(1, 1)},
    ]
    triplets = load(on(rows, replace(tasks["search"], fields=("title", "abstract")), tmp_path), tmp_path)
    assert triplets.column_names == ["anchor", "positive", "negative", "record"]
    assert triplets["record"][:] == [1, 1, 1, 1, 1, 2, 3]
    assert "2 searches lack an answer, or a paper that is none; left out" in caplog.text
    names = [tuple(row[column].removesuffix("[SEP]") for column in triplets.column_names[:3]) for row in triplets]
    assert names == [
        ("many", "1-2", "0-7"),
        ("many", "2-3", "0-6"),
        ("many", "1-2", "0-5"),
        ("many", "2-3", "0-4"),
        ("many", "1-2", "0-1"),
        ("few", "1-0", "0-1"),
        ("a paper[SEP]as query", "1-0", "0-1"),
    ]


def test_a_score_is_a_number_and_more_than_none(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    papers = [{"title": str(score), "abstract": None, "score": score} for score in (-1, "0", 0.5, "1")]
    search = replace(tasks["search"], fields=("title", "abstract"))
    rows = load(on([{"query": "q", "candidates": papers}], search, tmp_path), tmp_path)
    assert [(row["positive"], row["negative"]) for row in rows] == [("0.5[SEP]", "0[SEP]"), ("1[SEP]", "-1[SEP]")]


def test_fields_in_their_order_and_years_as_they_are_said(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    first = load(tasks["search"], tmp_path)[0]
    assert first["anchor"] == "Measuring utility by a single-response sequential method."
    assert first["positive"].endswith("[SEP]1964")
    assert SEARCH["input_fields"] == ["title", "abstract", "venue", "year"]


def test_triplets(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    first = load(tasks["specter"], tmp_path)[0]
    assert first["anchor"].startswith("The Effect of Aesthetic on the Usability of Data Visualization[SEP]")
    assert first["negative"].startswith("Vision-Based Kidnap Recovery")


def test_samples(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    task = replace(tasks["cite_count"], sample_size={"train": 5, "dev": 0})
    drawn = load(task, tmp_path)["text"]
    everything = load(tasks["cite_count"], tmp_path / "all")["text"]
    assert len(set(drawn)) == 5
    assert set(drawn) <= set(everything)
    assert drawn == load(task, tmp_path / "again")["text"]
    assert load_examples(task, "dev", "[SEP]", 0, tmp_path) is None
    assert len(load(replace(task, sample_size={"train": 500}), tmp_path / "more")) == len(everything)


def test_the_file_format_of_scibert(write_config: WriteConfig, tmp_path: Path) -> None:
    """Its text classification sets are JSON lines with `text`, `label` and `metadata`."""
    rows = [{"text": f"a sentence of {label}", "label": label, "metadata": []} for label in ("Uses", "Future", "Uses")]
    (tmp_path / "train.txt").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (task,) = read_tasks_config(
        write_config(
            {
                "name": "citation_intent",
                "type": "classification",
                "data_files": {"train": "train.txt"},
                "input_fields": ["text"],
                "ctrl_token": "[CLF]",
            }
        )
    )
    loaded = load(replace(task, labels=find_classes(task)), tmp_path)
    assert find_classes(task) == ("Future", "Uses")
    expected = {"text": [row["text"] for row in rows], "label": [1, 0, 1], "record": [1, 2, 3]}
    assert loaded.to_dict() == expected


def test_papers_without_text_are_left_out(
    tasks: dict[str, TrainingTask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"title": title, "abstract": None, "log_citations": 1} for title in ("a", "", " ", "b")]
    assert load(on(rows, tasks["cite_count"], tmp_path), tmp_path)["text"] == ["a[SEP]", "b[SEP]"]
    assert "task 'cite_count': 2 of its train examples hold a paper without text; left out" in caplog.text


PAPER = {"title": "a"}
LONE = "Fourier \ud83d"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("mesh", {**PAPER, "descriptor": ["Liver"]}, "'descriptor' is ['Liver'], expected one label"),
    ("mesh", {**PAPER, "descriptor": None}, "'descriptor' is None, expected one label"),
    ("mesh", {**PAPER, "descriptor": math.nan}, "'descriptor' is nan, expected one label"),
    ("mesh", {**PAPER, "descriptor": " "}, "'descriptor' is ' ', expected one label"),
    ("mesh", {**PAPER, "descriptor": LONE}, f"'descriptor' is {LONE!r}, which holds half of a surrogate pair"),
    ("mesh", PAPER, "has no 'descriptor'; it has: 'title'"),
    ("mesh", {}, "has no 'descriptor'; it has: nothing"),
    ("mesh", {"title": LONE, "descriptor": "Liver"}, f"'title' is {LONE!r}, which holds half of a surrogate pair"),
    ("mesh", {"title": ["a"], "descriptor": "Liver"}, "'title' is ['a'], expected a text"),
    ("mesh", {"title": math.nan, "descriptor": "Liver"}, "'title' is nan, expected a text"),
    ("fos", {**PAPER, "labels_text": "Liver"}, "'labels_text' is 'Liver', expected a list of labels"),
    ("fos", {**PAPER, "labels_text": None}, "'labels_text' is None, expected a list of labels"),
    ("fos", {**PAPER, "labels_text": ["Liver", None]}, "'labels_text' is None, expected one label"),
    ("fos", {**PAPER, "labels_text": ["Liver", ""]}, "'labels_text' is '', expected one label"),
    ("fos", PAPER, "has no 'labels_text'; it has: 'title'"),
    ("cite_count", {**PAPER, "log_citations": "many"}, "'log_citations' is 'many', expected a number"),
    ("cite_count", {**PAPER, "log_citations": "nan"}, "'log_citations' is 'nan', expected a number"),
    ("cite_count", {**PAPER, "log_citations": [1]}, "'log_citations' is [1], expected a number"),
    ("cite_count", {**PAPER, "log_citations": True}, "'log_citations' is True, expected a number"),
    ("cite_count", {**PAPER, "log_citations": 1e39}, "'log_citations' is 1e+39, which float32 cannot hold"),
    ("cite_count", {**PAPER, "log_citations": "-inf"}, "'log_citations' is '-inf', which float32 cannot hold"),
    ("cite_count", {**PAPER, "log_citations": 10**400}, f"'log_citations' is 1{'0' * 79}..., which float32 cannot"),
    ("search", {"query": "a", "candidates": [{"title": "b"}]}, "candidate 1: has no 'score'; it has: 'title'"),
    ("search", {"query": "a", "candidates": None}, "'candidates' is None, expected a list"),
    ("search", {"query": "a", "candidates": "b"}, "'candidates' is 'b', expected a list"),
    ("search", {"query": "a", "candidates": ["b"]}, "candidate 1 is 'b', expected a paper with a score"),
    ("search", {"query": "a"}, "has no 'candidates'; it has: 'query'"),
    ("search", {"query": "a", "candidates": [{"title": "b", "score": "high"}]}, "candidate 1: 'score' is 'high', exp"),
    ("search", {"query": "a", "candidates": [{"title": "b", "score": None}]}, "candidate 1: 'score' is None, expec"),
    ("search", {"query": "a", "candidates": [{"title": "b", "score": math.nan}]}, "candidate 1: 'score' is nan, exp"),
    ("specter", {"query": PAPER, "pos": PAPER}, "has no 'neg'; it has: 'query', 'pos'"),
    ("specter", {"query": PAPER, "pos": None, "neg": PAPER}, "'pos' is None, expected a text or a paper"),
    ("specter", {"query": 5, "pos": PAPER, "neg": PAPER}, "'query' is 5, expected a text or a paper"),
    ("specter", {"query": LONE, "pos": PAPER, "neg": PAPER}, f"'query' is {LONE!r}, which holds half of a surrogate"),
    ("specter", {"query": "a", "pos": {"title": {}}, "neg": PAPER}, "'title' is {}, expected a text"),
]


@pytest.mark.parametrize("known", [True, False], ids=["labels given", "labels from the data"])
@pytest.mark.parametrize(("name", "row", "message"), WRONG)
def test_a_record_that_cannot_be_used(
    name: str, row: dict[str, Any], message: str, known: bool, tasks: dict[str, TrainingTask], tmp_path: Path
) -> None:
    """The message names the file, the record, the field and the value, in one line."""
    good = [{**PAPER, "descriptor": "Brain", "labels_text": ["Brain", "Liver"], "log_citations": 1}]
    task = on([*(good if tasks[name].labelled else []), row], tasks[name], tmp_path)

    def read() -> None:
        classes = None if task.kind != "classification" else ("Brain", "Liver") if known else find_classes(task)
        load(replace(task, labels=classes), tmp_path)

    with pytest.raises(TrainingError) as raised:
        read()
    record = 2 if task.labelled else 1
    where = f"task '{name}', train data {tmp_path / 'rows.jsonl'}, record {record}: "
    assert str(raised.value).startswith(where + message)
    assert "\n" not in str(raised.value)


def test_a_label_that_is_none_of_those_given(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    task = replace(on([{**PAPER, "descriptor": "Elbow"}], tasks["mesh"], tmp_path), labels=("Brain", "Liver"))
    with pytest.raises(TrainingError, match="record 1: 'descriptor' is 'Elbow', which is none of the 2 labels"):
        load(task, tmp_path)


def test_a_field_that_no_paper_has(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    rows = [{"titel": "a", "log_citations": 1}, {"titel": "b", "log_citations": 2}]
    for fields, named in ((("title", "abstract"), "title"), (("titel", "venu"), "venu")):
        with pytest.raises(TrainingError, match=rf"rows.jsonl: 'input_fields' has '{named}', which no paper has; "):
            load(on(rows, replace(tasks["cite_count"], fields=fields), tmp_path), tmp_path)
    assert load(on(rows, replace(tasks["cite_count"], fields=("titel", "abstract")), tmp_path), tmp_path)


def test_no_example_and_one_class(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="task 'specter': its train data hold no example"):
        load(on([], tasks["specter"], tmp_path), tmp_path)
    with pytest.raises(TrainingError, match="'labels_field' 'descriptor' holds 1 classes"):
        find_classes(on([{"title": "a", "descriptor": "Liver"}], tasks["mesh"], tmp_path))
    assert MESH["labels_field"] == "descriptor"
    assert TRIPLETS["type"] == "triplet"
