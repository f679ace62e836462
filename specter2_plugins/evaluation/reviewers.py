"""Reviewer matching: reviewers by their papers most like a submission.

Source: SciRepEval's evaluator: the mean cosine of a reviewer's three nearest papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.lexical import LexicalIndex
from specter2_plugins.evaluation.report import Score
from specter2_plugins.evaluation.runs import Judgements, Run, compare
from specter2_plugins.extras import require
from specter2_plugins.scirepeval import Document

_NEAREST = 3


@dataclass(frozen=True)
class ReviewerMatching:
    """Submissions, and the papers of those who may review them.

    Args:
        name: What tables call it.
        papers: Id -> paper, of submissions and reviewers.
        reviewers: Reviewer's id -> the ids of papers.
        judgements: Submission's id -> reviewer's id -> how well they match.
        metrics: trec_eval's names.
    """

    name: str
    papers: Mapping[str, Document]
    reviewers: Mapping[str, Sequence[str]]
    judgements: Judgements
    metrics: tuple[str, ...]

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Rank by BM25, by the model and by both."""
        pairwise = require("sklearn.metrics.pairwise", "scikit-learn", "evaluate")
        ids = list(self.papers)
        asked = [submission for submission in self.judgements if submission in self.papers]
        vectors = encoder.embed(list(self.papers.values()), "proximity")
        rows = [ids.index(submission) for submission in asked]
        lexical = LexicalIndex(list(self.papers.values())).scores([self.papers[submission] for submission in asked])
        dense = pairwise.cosine_similarity(vectors[rows], vectors)
        runs = self._run(asked, lexical), self._run(asked, dense)
        yield from compare(self.name, self.metrics, self.judgements, *runs)

    def _run(self, asked: list[str], scores: Iterable[NDArray[np.floating]]) -> Run:
        position = {identifier: number for number, identifier in enumerate(self.papers)}
        papers_of = {
            reviewer: [position[paper] for paper in papers if paper in position]
            for reviewer, papers in self.reviewers.items()
        }
        return {
            submission: {
                reviewer: float(np.sort(row[papers])[-_NEAREST:].mean())
                for reviewer in self.judgements[submission]
                if (papers := papers_of.get(reviewer))
            }
            for submission, row in zip(asked, scores, strict=True)
        }
