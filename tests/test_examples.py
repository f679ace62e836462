"""The scripts in examples/ still run."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from examples.train_mini.papers import split
from examples.train_mini.searches import make_searches
from specter2_plugins import load_specter2

pytest.importorskip("datasets")

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_train_mini(tmp_path: Path) -> None:
    words = ["graph", "query", "index", "neural", "soil", "genome", "market", "protein"]
    papers = [
        {
            "title": f"On {word} and {words[number % 7]}",
            "abstract": f"We study {word} number {number}. " * 6,
            "keywords": [word.title(), f"topic {number // 2}"],
            "venue": "chi" if number % 2 else "kdd",
            "year": 2000 + number,
        }
        for number, word in enumerate(words * 40)
    ]
    with gzip.open(tmp_path / "papers.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(paper) + "\n" for paper in papers)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "examples.train_mini",
            "--papers",
            tmp_path / "papers.jsonl.gz",
            "--out",
            tmp_path / "out",
        ],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    trained, plain = load_specter2(tmp_path / "out"), load_specter2("mini", adapters={})
    assert set(trained.adapter_tasks) >= {"proximity", "adhoc_query", "classification", "regression"}
    described = json.loads((tmp_path / "out/adapters/regression/adapter_config.json").read_text())
    assert described["model_name"] == "sentence-transformers/all-MiniLM-L6-v2"
    base = plain.encode("soil", task="base")
    for task in trained.transformer.adapter_tasks:
        assert 1e-4 < abs(trained.encode("soil", task=task) - base).max() < 1, task


def test_papers_of_held_out_venues_are_kept_apart() -> None:
    papers = [{"venue": venue} for venue in ("chi", "icml", "kdd", "recsys")]
    assert [[paper["venue"] for paper in part] for part in split(papers)] == [["chi", "kdd"], ["icml", "recsys"]]


def test_no_search_names_what_is_shown_of_its_paper() -> None:
    abstract = " ".join(
        f"The {number} sentence says something else." for number in ("first", "second", "third", "last")
    )
    papers = [{"title": f"Title {number}", "abstract": abstract, "keywords": []} for number in range(200)]
    searches = make_searches(papers, random.Random(0))
    assert len(searches) > 100
    for search in searches:
        (shown,) = (candidate for candidate in search["candidates"] if candidate["score"])
        assert search["query"] not in f"{shown['title']} {shown['abstract']}"


def test_keywords_are_answered_by_every_paper_that_has_them() -> None:
    papers = [{"title": f"T{number}", "abstract": "", "keywords": ["soil"]} for number in range(3)]
    searches = [search for search in make_searches(papers, random.Random(1)) if "soil" in search["query"]]
    assert searches
    assert all(len(search["candidates"]) == 3 for search in searches)
