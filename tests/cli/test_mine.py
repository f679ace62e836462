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
    assert wrong.code == 2
    assert "--hard 2 is more than --per-paper 1" in wrong.err


@pytest.mark.parametrize(
    ("citations", "options", "code", "message"),
    [
        ("citing,cited\nx,y\nz,y\na,gone\n", (), 1, "no paper cites another that is among the papers"),
        ("citing,cited\na,b\n", ("--skip", 3), 2, "--skip needs --store or --url"),
        ("citing,cited\na,b\n", ("-o", "papers.jsonl"), 2, "would be overwritten"),
        ("citing,cited\na,b\n", ("--field", "id=doi"), 1, "none of the papers has an id"),
    ],
)
def test_nothing_is_mined_without_a_word(
    specter2: Command, tmp_path: Path, citations: str, options: tuple[object, ...], code: int, message: str
) -> None:
    papers, before = tmp_path / "papers.jsonl", '{"id": "a", "title": "A"}\n{"id": "b", "title": "B"}\n'
    papers.write_text(before)
    (tmp_path / "citations.csv").write_text(citations)
    out = tmp_path / "triplets.jsonl"
    out.write_text("kept")
    options = tuple(tmp_path / option if option == "papers.jsonl" else option for option in options)
    failed = specter2(
        "mine",
        tmp_path / "*.jsonl" if "papers" in str(options) else papers,
        "--citations",
        tmp_path / "citations.csv",
        "-o",
        out,
        *options,
    )
    assert failed.code == code
    assert message in " ".join(failed.err.replace("│", " ").split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["citations.csv", "papers.jsonl", "triplets.jsonl"]
    assert (papers.read_text(), out.read_text()) == (before, "kept")


def test_papers_that_are_left_out_are_counted(specter2: Command, tmp_path: Path) -> None:
    lines = [{"id": name, "title": name} for name in "abcdea"] + [{"title": "without"}]
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "citations.csv").write_text("citing,cited\na,b\nx,y\n")
    out = tmp_path / "out.jsonl"
    done = specter2(
        "mine", tmp_path / "papers.jsonl", "--citations", tmp_path / "citations.csv", "-o", out, "--per-paper", 1
    )
    assert done.out == f"1 triplets from 5 papers, 1 of which cite others, in {out}\n"
    assert "left out 1 papers without an id" in done.err
    assert "left out 1 papers whose id came before" in done.err
