"""Submissions x people -> scores, a block of submissions at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from specter2_plugins.errors import Specter2Error
from specter2_plugins.papers import Paper
from specter2_plugins.reviewers.aggregation import Aggregation, Floats

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2

_AT_ONCE = 32_000_000
"""Similarities that are in memory at once, in float32: 128 MB."""


class Affinities:
    """How near each of some people is to a submission, by the papers they wrote.

    A score lies within [0, 1]: cosines are mapped by (1 + cosine) / 2, a rule that depends on no other score, so that
    scores of different runs compare. Source of the default, the mean of the three nearest papers: SciRepEval; on the
    gold standard of Stelmakh et al. (arXiv 2303.16750) it has a lower loss than the maximum.

    Args:
        model: What embeds, through proximity. A paper of several people is embedded once.
        reviewers: Person -> papers, at least one each.
        aggregation: How the similarities of a person's papers become a score.
        half_life: Years after which a paper counts for half as much in a mean. One without a year counts as the
            oldest. Default: all count the same.
        lexical: What share of the score words have, from 0 to 1: the cosine of TF-IDF vectors.
        on_progress: Called with the papers embedded so far, and how many there are.

    Raises:
        Specter2Error: If a number is out of range, or nobody has a paper.
    """

    def __init__(
        self,
        model: Specter2,
        reviewers: Mapping[str, Sequence[Paper]],
        aggregation: Aggregation = Aggregation(),
        *,
        half_life: float | None = None,
        lexical: float = 0.0,
        on_progress: Callable[[int, int], object] = lambda embedded, total: None,
    ) -> None:
        if not 0 <= lexical <= 1:
            raise Specter2Error(f"lexical is {lexical}, expected 0 to 1")
        if half_life is not None and not half_life > 0:
            raise Specter2Error(f"half_life is {half_life}, expected more than 0 years")
        if half_life is not None and aggregation.percentile is not None:
            raise Specter2Error("half_life weighs means, and a percentile is none")
        self.names = list(reviewers)
        self._model = model
        self._aggregation = aggregation
        self._share = lexical
        self._on_progress = on_progress
        papers: dict[tuple[str | None, str | None], int] = {}
        rows = [[papers.setdefault((p.title, p.abstract), len(papers)) for p in reviewers[name]] for name in self.names]
        if not papers or not all(rows):
            raise Specter2Error("each reviewer needs a paper")
        own = [paper for name in self.names for paper in reviewers[name]]
        halvings = None if half_life is None else _ages(own) / half_life
        # People with as many papers as each other are computed as one array.
        groups: dict[int, list[int]] = defaultdict(list)
        for person, row in enumerate(rows):
            groups[len(row)].append(person)
        first = np.cumsum([0, *map(len, rows)])
        self._groups = [
            (
                np.array(people),
                np.array([rows[person] for person in people]),
                None
                if halvings is None
                else np.stack([_halved(halvings[first[person] : first[person + 1]]) for person in people]),
            )
            for people in groups.values()
        ]
        texts = list(papers)
        self._vectors = self._embed([Paper(*text) for text in texts])
        self._words: Any = None
        if lexical:
            self._words = TfidfVectorizer(sublinear_tf=True, stop_words="english", dtype=np.float32)
            try:
                self._terms = self._words.fit_transform([_text(*text) for text in texts])
            except ValueError:
                raise Specter2Error("the reviewers' papers hold no words to compare; leave lexical out") from None

    def scores(self, submissions: Sequence[Paper]) -> Floats:
        """Return the scores of all people, [submissions, people], within [0, 1]."""
        blocks = [block for _, block in self.blocks(submissions)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.names)), np.float32)

    def blocks(self, submissions: Sequence[Paper]) -> Iterator[tuple[slice, Floats]]:
        """Yield some submissions after others, as a slice, and their scores, [submissions, people].

        Memory holds one block, however many submissions there are.
        """
        vectors = self._embed(submissions)
        step = max(1, _AT_ONCE // len(self._vectors))
        for start in range(0, len(submissions), step):
            part = slice(start, start + step)
            scores = (1 - self._share) * self._aggregated(
                np.float32(0.5) * (vectors[part] @ self._vectors.T + np.float32(1))
            )
            if self._words is not None:
                terms = self._words.transform([_text(paper.title, paper.abstract) for paper in submissions[part]])
                scores += self._share * self._aggregated((terms @ self._terms.T).toarray())
            yield part, np.clip(scores, 0, 1)

    def _aggregated(self, similarities: Floats) -> Floats:
        scores = np.empty((len(similarities), len(self.names)), np.float32)
        for people, papers, weights in self._groups:
            scores[:, people] = self._aggregation(similarities[:, papers], weights)
        return scores

    def _embed(self, papers: Sequence[Paper]) -> Floats:
        done = 0

        def passed(count: int, tokens: int) -> None:
            nonlocal done
            done += count
            self._on_progress(done, len(papers))

        vectors = self._model.encode_document(list(papers), show_progress_bar=False, on_pass=passed)
        vectors = np.asarray(vectors, np.float32)
        normalised: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return normalised


def _ages(papers: Sequence[Paper]) -> NDArray[np.int64]:
    years = [paper.metadata.get("year") for paper in papers]
    known = [year for year in years if isinstance(year, int)]
    oldest, newest = (min(known), max(known)) if known else (0, 0)
    return np.array([newest - (year if isinstance(year, int) else oldest) for year in years])


def _halved(times: NDArray[np.float64]) -> Floats:
    """Return weights halved so many times; a person's newest paper counts, however old it is."""
    weights: Floats = (0.5 ** (times - times.min())).astype(np.float32)
    return weights


def _text(title: str | None, abstract: str | None) -> str:
    return f"{title or ''} {abstract or ''}"
