"""Papers -> searches with their answers, and pairs of papers that are near to each other.

A paper is shown in one of four ways, and what is not shown of it makes a search: one to three sentences of its
abstract, its title, the first sentences of its abstract. Keywords make searches for all the papers that have them, in
several phrasings; the first sentences of a paper, for all papers that have one of its rare keywords. Papers that no
search finds answer none.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import cycle

from examples.train_mini.papers import Record

_PHRASINGS = (
    "{}",
    "{}",
    "{}",
    "papers on {}",
    "I am interested in {}",
    "what is known about {}?",
    "articles dealing with {}",
    "methods for {}",
)
_SEPARATORS = (", ", " ", " and ")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_FEWEST_CHARACTERS = 25
_MOST_ANSWERS = 20
_RARE = range(2, 9)


def make_searches(papers: Sequence[Record], draw: random.Random) -> list[Record]:
    """Searches as SciRepEval has them: a `query`, and `candidates` with a `score`."""
    shown, found = [], []
    for paper in papers:
        view, query = _view(paper, draw)
        shown.append({**view, "score": 1})
        if query:
            found.append((query, [len(shown) - 1]))
    by_keyword = _by_keyword(papers)
    found += _keyword_searches(papers, by_keyword, draw)
    found += _related_searches(papers, by_keyword, draw)
    searches = [{"query": query, "candidates": [shown[number] for number in answers]} for query, answers in found]
    never_found = set(range(len(shown))).difference(*(answers for _, answers in found))
    for number, search in zip(sorted(never_found), cycle(searches), strict=False):
        search["candidates"].append({**shown[number], "score": 0})
    return searches


def make_pairs(papers: Sequence[Record], draw: random.Random) -> list[Record]:
    """Pairs of papers, `query` and `pos`, that share a rare keyword; a quarter of them with their titles alone."""
    groups = [answers for answers in _by_keyword(papers).values() if len(answers) in _RARE]
    draw.shuffle(groups)
    pairs = [[_title_or_all(papers[number], draw) for number in draw.sample(group, 2)] for group in groups]
    return [{"query": query, "pos": positive} for query, positive in pairs if query["title"] != positive["title"]]


def _view(paper: Record, draw: random.Random) -> tuple[Record, str]:
    """What is shown of a paper, and a search for it made of what is not."""
    sentences, chance = _sentences(paper["abstract"]), draw.random()
    if len(sentences) >= 4 and chance < 0.45:
        many = min(draw.choice((1, 1, 1, 2, 2, 3)), len(sentences) - 2)
        first = draw.randrange(len(sentences) - many + 1)
        rest = sentences[:first] + sentences[first + many :]
        return _record(paper["title"], " ".join(rest)), " ".join(sentences[first : first + many])
    if chance < 0.6:
        return _record(None, paper["abstract"]), paper["title"]
    if chance < 0.8:
        return _record(paper["title"], None), " ".join(sentences[: draw.choice((1, 2, 3))])
    return _record(paper["title"], paper["abstract"]), ""


def _keyword_searches(
    papers: Sequence[Record], by_keyword: dict[str, list[int]], draw: random.Random
) -> Iterator[tuple[str, list[int]]]:
    for paper in papers:
        if not paper["keywords"] or draw.random() >= 0.7:
            continue
        keywords = draw.sample(paper["keywords"], min(len(paper["keywords"]), draw.randint(1, 4)))
        answers = set.intersection(*(set(by_keyword[keyword]) for keyword in keywords))
        if len(answers) <= _MOST_ANSWERS:
            yield draw.choice(_PHRASINGS).format(draw.choice(_SEPARATORS).join(keywords)), sorted(answers)


def _related_searches(
    papers: Sequence[Record], by_keyword: dict[str, list[int]], draw: random.Random
) -> Iterator[tuple[str, list[int]]]:
    groups = [answers for answers in by_keyword.values() if len(answers) in _RARE]
    draw.shuffle(groups)
    for group in groups[: len(papers) // 4]:
        source = draw.choice(group)
        if sentences := _sentences(papers[source]["abstract"]):
            yield " ".join(sentences[: draw.choice((1, 2, 3, 4))]), group


def _by_keyword(papers: Sequence[Record]) -> dict[str, list[int]]:
    found = defaultdict(list)
    for number, paper in enumerate(papers):
        for keyword in paper["keywords"]:
            found[keyword].append(number)
    return found


def _title_or_all(paper: Record, draw: random.Random) -> Record:
    return _record(paper["title"], None if draw.random() < 0.25 else paper["abstract"])


def _record(title: str | None, abstract: str | None) -> Record:
    return {"title": title, "abstract": abstract}


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if len(sentence) > _FEWEST_CHARACTERS]
