"""One JSON object around more papers than memory may hold, and answers in which papers are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specter2_plugins.readers import limits

from .helpers import collect, write

PAPERS = [{"id": f"owl-{n}", "title": f"Owls {n}", "refs": [[n]], "say": 'a "] }" in it'} for n in range(1500)]


@pytest.fixture
def small_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may be 4 KiB, so that 1,500 papers are more than one."""
    monkeypatch.setattr("specter2_plugins.readers.json_objects.MAX_RECORD", 4096)
    assert limits.MAX_RECORD > 4096


@pytest.mark.usefixtures("small_records")
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "content",
    [
        {"papers": PAPERS},
        {"total": 1500, "data": PAPERS, "next": {"a": [1, {"title": "no paper"}]}},
        {"status": "ok", "message": {"facets": {}, "items": PAPERS, "total-results": 1500}},
        {"response": {"numFound": 1500, "docs": PAPERS}},
        {"meta": {"count": 1500}, "results": PAPERS, "group_by": []},
        {paper["id"]: paper for paper in PAPERS},
        PAPERS,
        [{"papers": PAPERS[:1000]}, {"papers": PAPERS[1000:]}],
    ],
    ids=["papers", "s2", "crossref", "solr", "openalex", "openreview", "array", "two"],
)
def test_an_object_around_many_papers_is_read_one_at_a_time(
    tmp_path: Path, content: object, indent: int | None
) -> None:
    papers, rejected = collect(write(tmp_path, "a.json", json.dumps(content, indent=indent)))
    assert rejected == []
    assert [paper.id for paper in papers] == [paper["id"] for paper in PAPERS]
    if indent and (isinstance(content, dict) or content is PAPERS):
        lines = json.dumps(content, indent=indent).splitlines()
        assert all(paper.origin and f'"{paper.id}"' in "".join(lines[paper.origin.line - 1 :][:3]) for paper in papers)


def test_an_object_that_is_cut_off_gives_what_was_whole(tmp_path: Path) -> None:
    text = json.dumps({"items": PAPERS[:5]})
    papers, [rejected] = collect(write(tmp_path, "a.json", text[: text.index("owl-3")]))
    assert [paper.id for paper in papers] == ["owl-0", "owl-1", "owl-2"]
    assert "not valid JSON" in rejected.reason


@pytest.mark.usefixtures("small_records")
def test_what_a_paper_cites_is_no_paper(tmp_path: Path) -> None:
    content = json.dumps({"title": "Owls", "references": PAPERS})
    papers, [rejected] = collect(write(tmp_path, "a.json", f"[{content}]"))
    assert papers == []
    assert "longer than" in rejected.reason


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_null_is_said_to_be_no_paper(tmp_path: Path, name: str) -> None:
    """As Semantic Scholar's /paper/batch answers for ids that it does not know."""
    papers, rejected = collect(write(tmp_path, name, '[null, {"paperId": "a", "title": "Owls"},\nnull]'))
    assert [paper.title for paper in papers] == ["Owls"]
    assert [(record.line, record.reason) for record in rejected] == [
        (1, "null instead of a paper: number 1 of what was asked for is not known there"),
        (2, "null instead of a paper: number 3 of what was asked for is not known there"),
    ]
