"""Whoever follows an evaluation is told what it does, and how far it is, to the end of each stage."""

from __future__ import annotations

from pathlib import Path

from specter2_plugins import Specter2
from specter2_plugins.evaluation import Stage, evaluate, read_tasks
from tests.evaluation.conftest import PAPERS, beir, scibert, write_lines, write_tasks


def last_of_each(stages: list[Stage]) -> dict[tuple[str, str], Stage]:
    return {(stage.task, stage.doing): stage for stage in stages}


def test_every_stage_comes_to_its_end(model: Specter2, tmp_path: Path) -> None:
    write_lines(tmp_path / "papers.jsonl", PAPERS)
    for split, count in (("train", 8), ("test", 4)):
        rows = [{"paper_id": "abc"[number % 3], "label": number / 7} for number in range(count)]
        write_lines(tmp_path / "years" / f"{split}.jsonl", rows)
    scibert(tmp_path / "intent")
    intent = {"name": "intent", "type": "classification", "data": {"test": "intent"}, "metrics": ["f1_macro"]}
    years = {
        "name": "years",
        "type": "regression",
        "data": {"meta": "papers.jsonl", "test": "years"},
        "metrics": ["r2"],
    }
    config = write_tasks(tmp_path, {**intent, "few_shot": [{"sample_size": 3, "iterations": 2}]}, years)
    beir(tmp_path / "search")
    told = list[Stage]()
    evaluate(model, read_tasks(config, tmp_path / "search"), cache=tmp_path / "cache", on_stage=told.append)
    begun, ended = last_of_each(told[::-1]), last_of_each(told)
    assert {stage.done for stage in begun.values()} == {0}
    assert [name for name, _ in ended].count("search") == 3
    assert ended["intent", "embedding"].unit == "texts"
    assert ended["intent", "learning"] == Stage("intent", "learning", "SVMs", 16, 16, 16)
    assert ended["intent", "learning from 3"].total == 2
    assert ended["years", "learning"].total == 22
    assert ended["search", "ranking"].unit == "queries"
    assert all(stage.done == stage.total for stage in ended.values())

    again = list[Stage]()
    evaluate(model, read_tasks(config), cache=tmp_path / "cache", on_stage=again.append)
    kept = last_of_each(again)["intent", "embedding"]
    assert (kept.done, kept.worked) == (kept.total, 0)
