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


def test_a_search_makes_up_to_five_triplets(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    def candidates(*scores: int) -> list[dict[str, Any]]:
        return [{"title": f"{score}-{at}", "abstract": None, "score": score} for at, score in enumerate(scores)]

    rows = [
        {"query": "many", "candidates": candidates(0, 0, 1, 2, 0, 0, 0, 0)},
        {"query": "few", "candidates": candidates(1, 0, 1)},
        {"query": {"title": "a paper", "abstract": "as query"}, "candidates": candidates(1, 0)},
        {"query": "none clicked", "candidates": candidates(0, 0)},
        {"query": "all clicked", "candidates": candidates(1, 1)},
    ]
    triplets = load(on(rows, tasks["search"], tmp_path), tmp_path)
    names = [tuple(row[column].removesuffix("[SEP]") for column in triplets.column_names) for row in triplets]
    assert triplets.column_names == ["anchor", "positive", "negative"]
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
    rows = load(on([{"query": "q", "candidates": papers}], tasks["search"], tmp_path), tmp_path)
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
    assert loaded.to_dict() == {"text": [row["text"] for row in rows], "label": [1, 0, 1]}


def test_papers_without_text_are_left_out(
    tasks: dict[str, TrainingTask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"title": title, "abstract": None, "log_citations": 1} for title in ("a", "", " ", "b")]
    assert load(on(rows, tasks["cite_count"], tmp_path), tmp_path)["text"] == ["a[SEP]", "b[SEP]"]
    assert "task 'cite_count': 2 of its train examples hold a paper without text; left out" in caplog.text


WRONG = [
    ("mesh", {"title": "a", "descriptor": "Elbow"}, "record 1: 'descriptor' is 'Elbow', which is none of the 2 labels"),
    ("mesh", {"title": "a", "descriptor": ["Liver"]}, r"record 1: 'descriptor' is \['Liver'\], expected one label"),
    ("mesh", {"title": "a"}, "record 1: has no 'descriptor'"),
    ("fos", {"title": "a", "labels_text": "Liver"}, "record 1: 'labels_text' is 'Liver', expected a list of labels"),
    ("cite_count", {"title": "a", "log_citations": "many"}, "record 1: could not convert string to float: 'many'"),
    ("cite_count", {"title": "a", "log_citations": "nan"}, "record 1: 'log_citations' is 'nan', expected a number"),
    ("search", {"query": "a", "candidates": [{"title": "b"}]}, "record 1: has no 'score'"),
    ("specter", {"query": {"title": "a"}, "pos": {"title": "b"}}, "record 1: has no 'neg'"),
    (
        "specter",
        {"query": {"title": "a"}, "pos": None, "neg": {"title": "b"}},
        "record 1: None is neither a text nor a",
    ),
    (
        "specter",
        {"query": 5, "pos": {"title": "a"}, "neg": {"title": "b"}},
        "record 1: 5 is neither a text nor a paper",
    ),
    ("specter", {"query": ["a"], "pos": {"title": "a"}, "neg": {"title": "b"}}, r"record 1: \['a'\] is neither a text"),
    ("search", {"query": "a", "candidates": [{"title": "b", "score": "high"}]}, "record 1: could not convert string"),
    (
        "search",
        {"query": "a", "candidates": [{"title": "b", "score": math.nan}]},
        "record 1: 'score' is nan, expected a",
    ),
]


@pytest.mark.parametrize(("name", "row", "message"), WRONG)
def test_a_record_that_cannot_be_used(
    name: str, row: dict[str, Any], message: str, tasks: dict[str, TrainingTask], tmp_path: Path
) -> None:
    task = replace(tasks[name], labels=("Brain", "Liver"))
    with pytest.raises(TrainingError, match=f"task '{name}', train data, {message}"):
        load(on([row], task, tmp_path), tmp_path)


def test_no_example_and_one_class(tasks: dict[str, TrainingTask], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="task 'specter': its train data hold no example"):
        load(on([], tasks["specter"], tmp_path), tmp_path)
    with pytest.raises(TrainingError, match="'labels_field' 'descriptor' holds 1 classes"):
        find_classes(on([{"title": "a", "descriptor": "Liver"}], tasks["mesh"], tmp_path))
    assert MESH["labels_field"] == "descriptor"
    assert TRIPLETS["type"] == "triplet"
