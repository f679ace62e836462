"""OpenReview's files and others, conflicts, and the files that are written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from specter2_plugins import Paper, PaperError, Specter2Error
from specter2_plugins.reviewers import by_author, conflicts, read_conflicts, read_reviewers, read_submissions
from specter2_plugins.reviewers.tables import write_matrix, write_pairs

NOTE = {"title": "Sparse retrieval", "abstract": "Inverted indexes."}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("submissions.json", json.dumps({"n1": {"id": "n1", "content": NOTE}})),
        ("notes.jsonl", json.dumps({"id": "n1", "content": {key: {"value": value} for key, value in NOTE.items()}})),
        ("submissions.csv", "n1,Sparse retrieval,Inverted indexes.\n"),
        ("named.csv", "id,title,abstract\nn1,Sparse retrieval,Inverted indexes.\n"),
        ("refs.bib", "@article{n1, title={Sparse retrieval}, abstract={Inverted indexes.}}"),
    ],
)
def test_submissions(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (paper,) = read_submissions(tmp_path / name)
    assert (paper.id, paper.title, paper.abstract) == ("n1", "Sparse retrieval", "Inverted indexes.")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"title": "Soil water"}\n', "submission 1, 'Soil water', has no id"),
        ('{"id": "a", "title": "One"}\n{"id": "b", "title": ""}\n', "submission 2 cannot be read: .*:2"),
        ('{"id": "a", "title": "One"}\n{"id": "a", "title": "Two"}\n', "submission 2 has the id 'a'"),
        ("", "no submissions"),
    ],
)
def test_submissions_that_cannot_be_told_apart(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "s.jsonl").write_text(text)
    with pytest.raises(PaperError, match=problem):
        read_submissions(tmp_path / "s.jsonl")


def test_reviewers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PaperError, match="is no folder"):
        read_reviewers(tmp_path / "archives")
    (tmp_path / "~Empty_One1.jsonl").touch()
    with pytest.raises(PaperError, match="no reviewer has a paper"):
        read_reviewers(tmp_path)
    twice = json.dumps({"id": "p1", "content": NOTE}) + "\n" + json.dumps({"id": "p9", "content": NOTE})
    (tmp_path / "~Ann_Lee1.jsonl").write_text(twice)
    (tmp_path / "J. Smith.bib").write_text("@article{k, title={Soil water}}\n@article{l, year={2001}}")
    found = read_reviewers(tmp_path)
    assert {name: [paper.title for paper in papers] for name, papers in found.items()} == {
        "J. Smith": ["Soil water"],
        "~Ann_Lee1": ["Sparse retrieval"],
    }
    assert "J. Smith.bib:2 (l): " in caplog.text, "a record that is no paper is told of"
    assert "1 of 3 reviewers have no paper, and no score: ~Empty_One1" in caplog.text
    (tmp_path / "~Ann_Lee1.bib").write_text("@article{k, title={Soil water}}")
    with pytest.raises(PaperError, match="two files are of ~Ann_Lee1"):
        read_reviewers(tmp_path)


def test_authors_are_reviewers() -> None:
    papers = [Paper("A", metadata={"authors": ["Ann Lee", "Bob Ray"]}), Paper("B", metadata={"authors": "Ann Lee"})]
    assert {name: len(papers) for name, papers in by_author(papers).items()} == {"Ann Lee": 2, "Bob Ray": 1}
    with pytest.raises(PaperError, match="no reviewer has a paper"):
        by_author([Paper("A")])


def test_conflicts_and_why() -> None:
    reviewers = {
        "~Ann_Lee1": [Paper("Mine", metadata={"year": 2020, "authors": ["A. Lee", "Cid Doe"]})],
        "Bob Ray": [Paper("Old", metadata={"year": 2001, "authors": ["Bob Ray", "Cid Doe"]})],
        "Eve": [Paper("The Submission!", metadata={"year": 2020})],
        "Far": [Paper("Other", metadata={"doi": "10.1/X"})],
    }
    submission = Paper("The submission", id="s", metadata={"authors": ["Cid Doe", "ann lee"], "doi": "10.1/x"})
    assert conflicts([submission], reviewers) == {
        ("s", "~Ann_Lee1"): "author",
        ("s", "Eve"): "same paper",
        ("s", "Far"): "same paper",
    }
    assert conflicts([submission], reviewers, within=None)["s", "Bob Ray"] == "coauthor"


def test_pairs_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "conflicts.csv"
    file.write_text("\ufeffsubmission,reviewer\ns1,~Ann_Lee1\n\ns2,Bob,same group\n", encoding="utf-8")
    assert read_conflicts(file) == {("s1", "~Ann_Lee1"): "listed", ("s2", "Bob"): "same group"}
    file.write_text("s1\n")
    with pytest.raises(Specter2Error, match="line 1: expected submission,reviewer"):
        read_conflicts(file)
    file.write_bytes(b"s1,\xff")
    with pytest.raises(Specter2Error, match="cannot read"):
        read_conflicts(file)


def test_files_of_scores(tmp_path: Path) -> None:
    scores = np.array([[0.5, 0.25, 0.75], [1, 0, np.nan]], np.float32)
    blocks = [(slice(0, 1), scores[:1]), (slice(1, 2), scores[1:])]
    file = tmp_path / "scores.csv"
    assert write_pairs(file, iter(blocks), ["s", "t"], ["a", "b,c", "d"], top=1) == 2
    assert file.read_text() == "s,d,0.750000\nt,a,1.000000\n"
    marked = {("s", "b,c"): "author", ("s", "d"): "coauthor", ("nobody", "a"): "listed"}
    write_pairs(file, iter(blocks), ["s", "t"], ["a", "b,c", "d"], top=1, conflicts=marked)
    with file.open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["submission", "reviewer", "score", "conflict"],
            ["s", "d", "0.750000", "coauthor"],
            ["s", "a", "0.500000", ""],
            ["s", "b,c", "0.250000", "author"],
            ["t", "a", "1.000000", ""],
        ]


def test_a_matrix(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    scores = np.array([[0.5, 0.25], [1, 0]], np.float32)
    write_matrix(tmp_path / "m.parquet", iter([(slice(0, 2), scores)]), ["s", "t"], ["a", "b"])
    table = parquet.read_table(tmp_path / "m.parquet")
    assert table.to_pydict() == {"submission": ["s", "t"], "a": [0.5, 1.0], "b": [0.25, 0.0]}
