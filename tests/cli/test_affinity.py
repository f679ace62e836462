"""`specter2 affinity`: files in, scores and an assignment out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

TITLES = {"ann": ["Inverted indexes", "Postings"], "bob": ["Vector search", "HNSW graphs"], "cid": ["Soil water"]}


@pytest.fixture
def conference(tmp_path: Path) -> Path:
    (tmp_path / "archives").mkdir()
    for name, titles in TITLES.items():
        lines = [json.dumps({"id": title, "content": {"title": title, "authors": [name]}}) for title in titles]
        (tmp_path / "archives" / f"{name}.jsonl").write_text("\n".join(lines))
    notes = {key: {"id": key, "content": {"title": title}} for key, title in (("s1", "Index"), ("s2", "Graphs"))}
    (tmp_path / "submissions.json").write_text(json.dumps(notes))
    return tmp_path


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def arguments(folder: Path, *more: str) -> tuple[str, ...]:
    reviewers = () if "--reviewers" in more else ("--reviewers", str(folder / "archives"))
    return ("affinity", "--submissions", str(folder / "submissions.json"), *reviewers, "--model", "mini", *more)


def test_scores_conflicts_and_an_assignment(specter2: Command, conference: Path) -> None:
    out, chosen = conference / "scores.csv", conference / "assignment.csv"
    (conference / "conflicts.csv").write_text("s1,ann\nnobody,bob\n")
    marked = ("--conflicts", str(conference / "conflicts.csv"), "--coauthors", "5")
    found = specter2(*arguments(conference, "-o", str(out), *marked, "--assign", str(chosen), "--each", "1"))
    assert found.code == 0, found.err
    assert "6 scores of 2 submissions and 3 reviewers" in found.out
    assert "1 listed" in found.out
    assert "1 conflicts are of submissions or reviewers that are not there, the first is nobody,bob" in found.err
    header, *scores = rows(out)
    assert header == ["submission", "reviewer", "score", "conflict"]
    assert {(row[0], row[1]): row[3] for row in scores}["s1", "ann"] == "listed"
    assert all(0 <= float(row[2]) <= 1 for row in scores)
    assigned = rows(chosen)
    assert [row[0] for row in assigned] == ["s1", "s2"]
    assert assigned[0][1] != "ann"
    assert "mean score" in found.out


def test_openreviews_columns(specter2: Command, conference: Path) -> None:
    out = conference / "scores.csv"
    assert specter2(*arguments(conference, "-o", str(out), "--top", "1", "--lexical", "0.5")).code == 0
    assert [len(row) for row in rows(out)] == [3, 3]


def test_authors_of_a_file_are_reviewers(specter2: Command, conference: Path) -> None:
    pool = conference / "pool.jsonl"
    pool.write_text("\n".join(file.read_text() for file in (conference / "archives").iterdir()))
    out = conference / "scores.csv"
    assert specter2(*arguments(conference, "--reviewers", str(pool), "-o", str(out))).code == 0
    assert {row[1] for row in rows(out)} == set(TITLES)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("-o", "m.parquet", "--top", "3"), "a matrix has every score"),
        (("-o", "o.csv", "--assign", "a.csv", "--load", "1"), "2 submissions x 3 reviewers are 6 reviews"),
        (("-o", "o.csv", "--reviewers", "nowhere"), "cannot read nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(
    specter2: Command, conference: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], problem: str
) -> None:
    monkeypatch.chdir(conference)
    found = specter2(*arguments(conference, *more))
    assert found.code != 0
    assert problem in " ".join(found.err.split())
    assert "Traceback" not in found.err
