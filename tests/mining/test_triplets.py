"""What a triplet may be made of."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specter2_plugins import Paper
from specter2_plugins.errors import TrainingError
from specter2_plugins.mining import Triplet, mine_triplets, write_triplets

CITES = {"a": ["b", "c"], "b": ["c", "d", "e", "a"], "c": ["f", "ghost"], "lonely": ["ghost"]}
PAPERS = [*"abcdef", "lonely", "x", "y", "z"]


def mine(**kwargs: object) -> list[Triplet]:
    return list(mine_triplets(CITES, PAPERS, **kwargs))  # type: ignore[arg-type]


def test_hard_negatives_are_cited_by_cited_papers_alone() -> None:
    triplets = [triplet for triplet in mine(per_paper=2, hard=2) if triplet.query == "a"]
    assert len(triplets) == 2
    assert {triplet.positive for triplet in triplets} == {"b", "c"}
    # b and c are cited by a, a is the query, the ghost has no text
    assert {triplet.negative for triplet in triplets} < {"d", "e", "f"}


def test_random_ones_fill_up() -> None:
    triplets = [triplet for triplet in mine(per_paper=6, hard=4) if triplet.query == "c"]
    assert {triplet.positive for triplet in triplets} == {"f"}
    # f, which c cites, cites nothing itself; a and b cite c
    assert {triplet.negative for triplet in triplets} == {"d", "e", "lonely", "x", "y", "z"}


def test_a_paper_whose_citations_have_no_text_is_no_query() -> None:
    assert {triplet.query for triplet in mine()} == {"a", "b", "c"}


def test_neighbours_instead() -> None:
    asked = []

    def near(paper: str) -> list[str]:
        asked.append(paper)
        return ["a", "b", "c", "x", "y", "nowhere"]

    triplets = mine(per_paper=2, hard=2, neighbours=near)
    assert {t.negative for t in triplets if t.query == "a"} == {"x", "y"}
    assert {t.negative for t in triplets if t.query == "b"} == {"x", "y"}
    assert asked == ["a", "b", "c"]


def test_the_seed_decides_and_the_order_does_not() -> None:
    again = mine_triplets(dict(reversed(CITES.items())), set(PAPERS), seed=3)
    assert sorted(again) == sorted(mine(seed=3))
    assert mine(seed=3) != mine(seed=4)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(0, 8))
def test_no_negative_is_related(seed: int, per_paper: int, hard: int) -> None:
    draw = random.Random(seed)
    papers = [str(number) for number in range(30)]
    citations = {paper: draw.sample(papers, draw.randint(0, 6)) for paper in draw.sample(papers, 20)}
    hard = min(hard, per_paper)
    triplets = list(mine_triplets(citations, papers, per_paper=per_paper, hard=hard, seed=seed))
    assert len({(t.query, t.negative) for t in triplets}) == len(triplets)
    for query, positive, negative in triplets:
        assert positive in citations[query]
        assert positive != query
        assert negative not in citations[query]
        assert query not in citations.get(negative, ())
        assert negative != query
    for query, cited in citations.items():
        found = [triplet for triplet in triplets if triplet.query == query]
        assert len(found) == (per_paper if set(cited) - {query} else 0)
        second = {far for near in set(cited) - {query} for far in citations.get(near, ())}
        related = {query, *cited, *(other for other, theirs in citations.items() if query in theirs)}
        if found:
            assert len([t for t in found if t.negative in second]) >= min(hard, len(second - related))


def test_numbers_make_sense() -> None:
    with pytest.raises(TrainingError, match="per_paper is 2 and hard is 3"):
        mine(per_paper=2, hard=3)


def test_written_as_scirepeval_has_them(tmp_path: Path) -> None:
    papers = {"a": Paper("A", "about a"), "b": Paper("B"), "ü": Paper(None, "grün")}
    out = tmp_path / "triplets.jsonl"
    assert write_triplets([Triplet("a", "b", "ü")], papers, out) == 1
    assert json.loads(out.read_text(encoding="utf-8")) == {
        "query": {"id": "a", "title": "A", "abstract": "about a"},
        "pos": {"id": "b", "title": "B", "abstract": None},
        "neg": {"id": "ü", "title": None, "abstract": "grün"},
    }
    with pytest.raises(KeyError):
        write_triplets([Triplet("a", "b", "gone")], papers, out)
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1


def test_whoever_follows_is_told_of_each_paper_that_cites() -> None:
    told = list[tuple[int, int]]()
    citations = {"a": ["b"], "unknown": ["a"], "b": ["gone"], "c": ["a"]}
    list(mine_triplets(citations, ["a", "b", "c", "d"], on_paper=lambda done, papers: told.append((done, papers))))
    assert told == [(1, 3), (2, 3), (3, 3)]
