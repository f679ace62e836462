"""Which papers of a run are the same, and which only share an id."""

from __future__ import annotations

from specter2_plugins import Paper
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.points import PaperPoint, id_of
from specter2_plugins.pipeline.seen import Sorted, Works


def add(*papers: Paper) -> Sorted:
    return Works(IdSet()).add([PaperPoint.of(paper) for paper in papers])


def test_one_id_and_two_titles_are_two_papers() -> None:
    first, second = Paper("Owls at night", id="1"), Paper("Galaxies at dawn", id="1")
    entries, new, conflicts = add(first, second, first, second)
    assert new == [True, True, False, False]
    assert entries[0].point == id_of("1") != entries[1].point
    assert entries[3].point == entries[1].point
    assert conflicts == ["the id '1' is that of 'Owls at night' and 'Galaxies at dawn'; both are kept"]


def test_titles_that_differ_in_signs_or_a_subtitle_are_one() -> None:
    spelled = ("Owls at night", "OWLS AT NIGHT.", "Owls at night: a study")
    assert add(*(Paper(title, id="1") for title in spelled)).new == [True, False, False]


def test_a_doi_and_its_title_are_one_paper_whatever_the_id() -> None:
    with_doi = {"doi": "10.1000/owl.1"}
    same = add(Paper("Owls", id="a", metadata=with_doi), Paper("Owls.", id="b", metadata=with_doi))
    assert same.new == [True, False]
    chapters = add(Paper("Owls", id="a", metadata=with_doi), Paper("Bats", id="b", metadata=with_doi))
    assert chapters.new == [True, True]
    assert chapters.conflicts == ["the DOI '10.1000/owl.1' is that of 'Owls' and 'Bats'; both are kept"]
