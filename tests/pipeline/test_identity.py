"""Ids across runs: which papers of another file are other papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from specter2_plugins import Paper, Specter2
from specter2_plugins.papers import Origin
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import IngestReport
from specter2_plugins.readers.ids import is_global


@pytest.fixture
def ingest(client: QdrantClient, model: Specter2, tmp_path: Path) -> Any:
    """Ingest papers as a file of that name brings them."""

    def call(name: str, *papers: Paper, **settings: Any) -> IngestReport:
        file = tmp_path / name
        file.touch()
        placed = [
            Paper(paper.title, paper.abstract, paper.id, paper.metadata, origin=Origin(str(file), number))
            for number, paper in enumerate(papers, start=1)
        ]
        return ingest_papers(placed, client, model, **settings)

    return call


def titles(client: QdrantClient) -> list[str]:
    found, _ = client.scroll("papers", limit=100)
    return sorted((point.payload or {})["metadata"]["title"] for point in found)


def test_a_key_of_another_file_overwrites_no_other_paper(client: QdrantClient, ingest: Any) -> None:
    ingest("a.bib", Paper("Owls at night", id="smith2020"))
    report = ingest("b.bib", Paper("Galaxies at dawn", id="smith2020"))
    assert (report.ingested, report.conflict) == (1, 1)
    assert "'Owls at night' of another source and 'Galaxies at dawn'; both are kept" in report.conflicts[0]
    assert titles(client) == ["Galaxies at dawn", "Owls at night"]
    again = ingest("b.bib", Paper("Galaxies at dawn", id="smith2020"), Paper("Galaxies at dawn", id="smith2020"))
    assert (again.unchanged, again.duplicate, again.conflict) == (1, 1, 1)
    assert ingest("b.bib", Paper("Galaxies at dawn", "They rise.", id="smith2020")).ingested == 1
    assert ingest("a.bib", Paper("Owls at dusk", id="smith2020")).conflict == 0
    assert titles(client) == ["Galaxies at dawn", "Owls at dusk"]


def test_what_went_apart_has_not_left_its_source(client: QdrantClient, ingest: Any) -> None:
    ingest("a.bib", Paper("Owls at night", id="k"), Paper("Bats", id="b"))
    ingest("b.bib", Paper("Galaxies at dawn", id="k"))
    assert ingest("b.bib", Paper("Galaxies at dawn", id="k"), delete_missing=True).deleted == 0
    assert ingest("a.bib", Paper("Owls at night", id="k"), Paper("Bats", id="b"), delete_missing=True).deleted == 0
    assert len(titles(client)) == 3


def test_together_and_one_by_one_in_any_order_are_the_same(
    client: QdrantClient, ingest: Any, model: Specter2, tmp_path: Path
) -> None:
    ingest("a.bib", Paper("Owls at night", id="k"))
    ingest("b.bib", Paper("Galaxies at dawn", id="k"))
    for order in (("a.bib", "b.bib"), ("b.bib", "a.bib")):
        of = {"a.bib": "Owls at night", "b.bib": "Galaxies at dawn"}
        papers = [Paper(of[name], id="k", origin=Origin(str(tmp_path / name), 1)) for name in order]
        report = ingest_papers(papers, client, model)
        assert (report.unchanged, report.ingested) == (2, 0)
    assert len(titles(client)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Paper("Owls", id="10.1000/owl.1"), Paper("Owls, corrected", id="10.1000/owl.1")),
        (Paper("Bats", id="k", metadata={"doi": "10.1/x"}), Paper("Owls", id="k", metadata={"doi": "10.1/x"})),
        (Paper("Owls at night", id="k"), Paper("Owls at Night: A Study", id="k")),
        (Paper("Bats", id="29456894"), Paper("Owls", id="29456894")),
    ],
)
def test_the_same_paper_of_another_file_is_updated(
    client: QdrantClient, ingest: Any, first: Paper, second: Paper
) -> None:
    ingest("a.bib", first)
    report = ingest("b.bib", second)
    assert (report.ingested, report.conflict) == (1, 0)
    assert titles(client) == [second.title]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(
            (name, True)
            for name in ("10.1000/x", "W1", "2001.00001", "hep-th/9901001", "WOS:0001", "PMC12", "12345678")
        ),
        *((name, True) for name in ("journals/owl/N19", "DBLP:conf/owl/N15", "2-s2.0-85000000001")),
        *((name, False) for name in ("smith2020", "1", "123456", "AB12CD34", "owl/night", "Owl:2020")),
    ],
)
def test_global_ids(name: str, is_one: bool) -> None:
    assert is_global(name) is is_one
