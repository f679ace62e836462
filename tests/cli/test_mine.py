"""`specter2 mine`, whose triplets `specter2 train` reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("typer")

from tests.cli.conftest import Command
from tests.conftest import Oracle


def test_mine(specter2: Command, oracle: Oracle, tmp_path: Path) -> None:
    papers, citations, out = tmp_path / "papers.jsonl", tmp_path / "citations.csv", tmp_path / "triplets.jsonl"
    papers.write_text("".join(json.dumps({"id": name, "title": f"Paper {name}"}) + "\n" for name in "abcdefgh"))
    citations.write_text("citing,cited\na,b\nb,c\nc,gone\n")
    done = specter2("mine", papers, "--citations", citations, "-o", out, "--per-paper", 3, "--hard", 1)
    assert (done.code, done.out) == (0, f"6 triplets from 8 papers, 3 of which cite others, in {out}\n")
    triplets = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["query"]["id"], row["pos"]["id"]) for row in triplets] == [("a", "b")] * 3 + [("b", "c")] * 3
    assert "c" in {row["neg"]["id"] for row in triplets[:3]}

    at = ("--store", tmp_path / "store", "--model", oracle.models)
    assert specter2("ingest", papers, *at).code == 0
    near = specter2(
        "mine", papers, "--citations", citations, "-o", out, *at, "--skip", 1, "--depth", 4, "--per-paper", 2
    )
    assert (near.code, near.out[:10]) == (0, "4 triplets")

    wrong = specter2("mine", papers, "--citations", citations, "-o", out, "--per-paper", 1, "--hard", 2)
    assert (wrong.code, wrong.err.count("\n")) == (1, 1)
