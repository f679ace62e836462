"""The scripts in examples/ still run."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from specter2_plugins import load_specter2

pytest.importorskip("datasets")

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_train_mini(tmp_path: Path) -> None:
    words = ["graph", "query", "index", "neural", "soil", "genome", "market", "protein"]
    papers = [
        {
            "title": f"On {word} and {words[number % 7]}",
            "abstract": f"We study {word} number {number}. It matters. Results follow. " * 4,
            "keywords": [word, f"topic {number // 2}"],
        }
        for number, word in enumerate(words * 4)
    ]
    with gzip.open(tmp_path / "papers.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(paper) + "\n" for paper in papers)
    click = {"query": "soil", "candidates": [{"title": "Soil", "abstract": "Wet.", "score": 1}]}
    (tmp_path / "searches.jsonl").write_text(json.dumps(click) + "\n")
    paper = {"title": "A", "abstract": "B"}
    (tmp_path / "triplets.json").write_text(json.dumps([{"query": paper, "pos": paper, "neg": paper}]))

    args = ["--papers", "papers.jsonl.gz", "--searches", "searches.jsonl", "--triplets", "triplets.json"]
    args += ["--out", "out", "--pairs", "24", "--batch", "8", "--warmup", "1", "--max-tokens", "32"]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "train_mini.py"), *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    trained = load_specter2("mini", adapters={task: tmp_path / "out" / task for task in ("proximity", "adhoc_query")})
    plain = load_specter2("mini", adapters={})
    query, base = trained.encode_query("soil"), plain.encode_query("soil")
    assert 1e-4 < abs(query - base).max() < 1
