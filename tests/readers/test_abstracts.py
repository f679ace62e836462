"""Abstracts in files of their own, as Semantic Scholar's datasets have them."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest

from specter2_plugins import PaperError
from specter2_plugins.readers import read_papers

from .helpers import DATA, collect, write

PAPERS, ABSTRACTS = DATA / "s2_papers.jsonl", DATA / "s2_abstracts.jsonl"


@pytest.mark.parametrize("sources", [[PAPERS, ABSTRACTS], [ABSTRACTS, PAPERS]])
def test_abstracts_find_their_papers(sources: list[Path]) -> None:
    papers, rejected = collect(sources)
    assert [(paper.id, (paper.abstract or "")[:23]) for paper in papers] == [
        ("237313618", "Representation learning"),
        ("1", ""),
    ]
    assert rejected == []


def test_abstracts_alone_are_papers_without_titles() -> None:
    papers, _ = collect(ABSTRACTS)
    assert [(paper.title, paper.id) for paper in papers] == [(None, "237313618"), (None, "99")]


def test_bad_abstracts_are_rejected_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    lines = ABSTRACTS.read_text() + 'broken\n{"corpusid": 1, "abstract": 5}\n'
    abstracts = write(tmp_path, "abstracts.gz", gzip.compress(lines.encode()))
    papers, rejected = collect([PAPERS, abstracts])
    assert len(papers) == 2
    assert [reject.line for reject in rejected] == [3, 4]
    assert rejected[0].reason.startswith("not valid JSON: ")
    assert rejected[1].reason == "abstract is int, expected a string or None"
    reading = read_papers([PAPERS, ABSTRACTS])
    next(reading)
    reading.close()
    with pytest.raises(PaperError):
        list(read_papers([PAPERS, abstracts]))
    assert list((tmp_path / "temporary").iterdir()) == []
