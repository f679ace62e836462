"""What commands read: sources, fields by name, and rejected records kept."""

from __future__ import annotations

import io
import json
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("typer")

import typer

from specter2_plugins.cli.source import Source
from specter2_plugins.errors import PaperError, Specter2Error


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"dc:title": "T", "id": 1}\n{"id": 2}\nbroken\n')
    return path


def test_rejects_are_counted_and_kept_as_they_come(papers: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    source = Source([papers], fields=["title=dc:title"], rejects=rejects)
    reading = iter(source)
    assert next(reading).title == "T"
    [unfinished] = tmp_path.glob("rejects.jsonl.*")
    assert (unfinished.read_text(), source.rejected) == ("", 0)
    assert list(reading) == []
    assert source.rejected == 2
    first, second = (json.loads(line) for line in rejects.read_text().splitlines())
    assert first == {
        "source": str(papers),
        "line": 2,
        "id": "2",
        "reason": "paper '2': neither title nor abstract holds any text, so there is nothing to embed",
    }
    assert (second["line"], second["id"], second["reason"][:14]) == (3, None, "not valid JSON")


def test_rejects_that_cannot_be_kept(papers: Path, tmp_path: Path) -> None:
    with pytest.raises(Specter2Error, match=r"cannot write .*nowhere/rejects\.jsonl: No such file or directory"):
        list(Source([papers], rejects=tmp_path / "nowhere" / "rejects.jsonl"))
    with pytest.raises(Specter2Error, match="cannot write /dev/full: No space left on device"):
        list(Source([papers], rejects=Path("/dev/full")))


def test_a_thread_may_read_and_another_count(papers: Path) -> None:
    source = Source([papers], fields=["title=dc:title"])
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend(source))
    reader.start()
    reader.join()
    assert (len(found), source.rejected) == (1, 2)


def test_stdin_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"title": "T"}')))
    assert [paper.title for paper in Source([Path("-")])] == ["T"]


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.bib"
    empty.write_text("")
    source = Source([empty])
    assert list(source) == []
    with pytest.raises(PaperError, match=r"no papers in .*empty\.bib \(0 records rejected\)"):
        source.require_papers(0)


@pytest.mark.parametrize("field", ["title", "=x", "title=", ""])
def test_a_field_is_a_name_and_a_key(papers: Path, field: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not of the form NAME=KEY"):
        list(Source([papers], fields=[field]))
