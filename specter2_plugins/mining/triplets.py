"""A query, a paper it cites, and one that it does not.

Source: SPECTER (Cohan et al., 2020): five triplets a paper, two of them with a hard negative, which is cited by a
cited paper and not by the paper itself, three with a paper drawn from all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, cycle, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

from specter2_plugins.errors import TrainingError
from specter2_plugins.papers import Paper
from specter2_plugins.writers.files import writing

Neighbours: TypeAlias = Callable[[str], Sequence[str]]
"""A paper's id -> ids of papers that are near to it."""

_PER_PAPER = 5
HARD = 2
"""Triplets of a paper that have a hard negative, unless said otherwise."""


class Triplet(NamedTuple):
    """Ids of three papers."""

    query: str
    positive: str
    negative: str


def mine_triplets(
    citations: Mapping[str, Collection[str]],
    papers: Collection[str],
    *,
    per_paper: int = _PER_PAPER,
    hard: int = HARD,
    neighbours: Neighbours | None = None,
    seed: int = 0,
    on_paper: Callable[[int, int], object] = lambda done, papers: None,
) -> Iterator[Triplet]:
    """Make triplets of every paper that cites another.

    A negative is never cited by the query, nor does it cite it. Positives and hard negatives are used once before any
    is used again; where there are fewer hard negatives than asked for, more are drawn at random. The triplets of a
    paper depend on the seed and its id, not on the order of papers.

    Example:
        >>> next(mine_triplets({"a": ["b"]}, ["a", "b", "c"], per_paper=1, hard=0))
        Triplet(query='a', positive='b', negative='c')

    Args:
        citations: A paper's id -> the ids it cites.
        papers: The ids of papers that may be in a triplet, such as those with a text.
        per_paper: Most triplets of one paper.
        hard: How many of them have a hard negative.
        neighbours: Where hard negatives come from, instead of the citations of cited papers.
        seed: Of the draws.
        on_paper: Called after each paper that cites, with the number of those that are done, and of all.

    Raises:
        TrainingError: If the numbers make no sense.
    """
    if per_paper < 1 or not 0 <= hard <= per_paper:
        raise TrainingError(f"per_paper is {per_paper} and hard is {hard}; expected 1 or more, and 0 to per_paper")
    known = papers if isinstance(papers, set | frozenset | Mapping) else set(papers)
    everyone = sorted(known)
    citing = _turned(citations)

    def of(query: str) -> Iterator[Triplet]:
        draw = random.Random(f"{seed} {query}")
        cited = set(citations[query])
        positives = sorted(paper for paper in cited - {query} if paper in known)
        if not positives:
            return
        related = cited | citing.get(query, set()) | {query}
        near = neighbours(query) if neighbours is not None else _cited_by(positives, citations)
        difficult = sorted({paper for paper in near if paper in known} - related)
        negatives = draw.sample(difficult, min(hard, len(difficult)))
        negatives += _drawn(everyone, per_paper - len(negatives), related | set(negatives), draw)
        draw.shuffle(positives)
        for positive, negative in zip(cycle(positives), negatives, strict=False):
            yield Triplet(query, positive, negative)

    queries = [query for query in citations if query in known]

    def of_all() -> Iterator[Triplet]:
        for number, query in enumerate(queries, start=1):
            yield from of(query)
            on_paper(number, len(queries))

    return of_all()


def write_triplets(triplets: Iterable[Triplet], papers: Mapping[str, Paper], path: str | Path) -> int:
    """Write triplets as SciRepEval has them, JSON lines with `query`, `pos` and `neg`; returns how many.

    Example:
        >>> papers = {name: Paper(f"On {name}", id=name) for name in "abc"}
        >>> write_triplets([Triplet("a", "b", "c")], papers, "triplets.jsonl")
        1

    Args:
        triplets: What to write.
        papers: Id -> paper.
        path: The file; a broken-off run leaves none.

    Raises:
        TrainingError: If there is no triplet to write.
    """
    count = 0
    with writing(Path(path)) as file:
        for triplet in triplets:
            query, positive, negative = (_record(paper, papers[paper]) for paper in triplet)
            file.write(json.dumps({"query": query, "pos": positive, "neg": negative}, ensure_ascii=False) + "\n")
            count += 1
        if not count:
            raise TrainingError("no paper cites another that is among the papers; do the ids agree?")
    return count


def _turned(citations: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    citing: dict[str, set[str]] = {}
    for paper, cited in citations.items():
        for other in cited:
            citing.setdefault(other, set()).add(paper)
    return citing


def _cited_by(papers: Iterable[str], citations: Mapping[str, Collection[str]]) -> Iterator[str]:
    return chain.from_iterable(citations.get(paper, ()) for paper in papers)


def _drawn(everyone: Sequence[str], count: int, without: Collection[str], draw: random.Random) -> list[str]:
    """Return different ids, none of those left out: a draw of so many more cannot hold fewer others."""
    candidates = draw.sample(everyone, min(len(everyone), count + len(without)))
    return list(islice((paper for paper in candidates if paper not in without), count))


def _record(paper_id: str, paper: Paper) -> dict[str, str | None]:
    return {"id": paper_id, "title": paper.title, "abstract": paper.abstract}
