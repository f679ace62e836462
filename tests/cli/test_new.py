"""`specter2 new`: what has come in, nearest to a library first."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")

from specter2_plugins import Paper, PaperCollection
from specter2_plugins.papers.points import HASHES_KEY, SINCE, point_id
from specter2_plugins.qdrant.news import _centres, new_papers
from tests.cli.conftest import Command, specter2

__all__ = ["specter2"]

OLD = Paper("Learning to rank with pairwise judgements", "Ranking models for search.", "old")
RANKING = Paper("Learning to rank documents for web search", "We rank documents by learned relevance.", "ranking")
SOIL = Paper("Water in forest soils", "We measure the moisture of forest soils in summer.", "soil")
HOSTILE = Paper(
    "Ranking \x1b[2J & <b>search", "Search \ufffe engines.", "x", {"doi": "10.1/a\x1b]0;b", "authors": ["A&B"]}
)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a paper of last year, and three of today."""
    path = tmp_path / "store"
    with PaperCollection.open(path, model="mini") as papers:
        papers.ingest([OLD])
        [record] = papers.client.retrieve("papers", [point_id(OLD)])
        assert record.payload is not None
        said = record.payload[HASHES_KEY] | {SINCE: "2025-01-01T00:00:00+00:00"}
        papers.client.set_payload("papers", {HASHES_KEY: said}, [point_id(OLD)])
        papers.ingest([OLD, RANKING, SOIL, HOSTILE])
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.jsonl"
    papers = [RANKING, OLD, Paper("Neural ranking models for web search", "Ranking documents.", "n")]
    path.write_text("".join(json.dumps({"id": p.id, "title": p.title, "abstract": p.abstract}) + "\n" for p in papers))
    return path


def test_what_came_in_and_is_not_in_the_library(specter2: Command, store: Path, library: Path) -> None:
    """Also where the same was ingested again: it came in when it came first."""
    result = specter2("new", "--like", library, "--since", "7d", "--store", store, "-m", "mini", "--json")
    assert result.code == 0, result.err
    hits = json.loads(result.out)
    assert [hit["id"] for hit in hits] == ["x", "soil"]
    assert hits[0]["score"] < hits[1]["score"]


def test_a_text_instead_of_a_library(specter2: Command, store: Path) -> None:
    def ids(*more: str) -> list[str]:
        result = specter2("new", "--like", "moisture of soils", "--store", store, "-m", "mini", "--json", *more)
        assert result.code == 0, result.err
        return [hit["id"] for hit in json.loads(result.out)]

    assert ids()[0] == "soil"
    assert "old" not in ids()
    assert "old" in ids("--since", "2024-12-31")
    assert len(ids("--limit", "1")) == 1


def test_a_feed(specter2: Command, store: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    result = specter2("new", "--like", "web search", "--store", store, "-m", "mini", "--atom")
    assert result.code == 0, result.err
    feed = etree.fromstring(result.out.encode())
    name = "{http://www.w3.org/2005/Atom}"
    assert len(feed.findall(f"{name}entry")) == 3
    assert {feed.findtext(f"{name}title")} == {"New in papers, like web search"}
    updated = datetime.fromisoformat(feed.findtext(f"{name}updated"))
    assert datetime.now(timezone.utc) - updated < timedelta(hours=1)
    assert not any(sign in result.out for sign in "\x1b\ufffe")


@pytest.mark.parametrize("since", ["yesterday", "7", "2026-02-30", "7y"])
def test_a_moment_that_is_none(specter2: Command, store: Path, since: str) -> None:
    result = specter2("new", "--like", "web search", "--since", since, "--store", store, "-m", "mini")
    assert result.code == 2
    assert "expected how long ago" in result.err


def test_a_library_that_holds_nothing(specter2: Command, store: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": ""}\n')
    result = specter2("new", "--like", tmp_path / "a.jsonl", "--store", store, "-m", "mini")
    assert (result.code, "the library holds no papers" in result.err) == (1, True)


def test_two_subjects_are_two_clusters(store: Path) -> None:
    """Near to one of the subjects counts, not to the middle of both."""
    library = [Paper(f"{title} {n}") for n in range(4) for title in ("Soil moisture in forests", "Learning to rank")]
    with PaperCollection.open(store, model="mini") as papers:
        news = new_papers(papers.client, papers.model, library, EPOCH)
        assert {item.hit.paper.id for item in news} == {"old", "ranking", "soil", "x"}
        assert all(item.since.endswith("+00:00") for item in news)


def test_the_middle_of_two_subjects_is_near_to_neither() -> None:
    library = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [100, 100], [100, 101], [101, 100], [101, 101]], np.float32)
    assert sorted(map(tuple, _centres(library).round(1).tolist())) == [(0.5, 0.5), (100.5, 100.5)]
