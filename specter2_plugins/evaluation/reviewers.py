"""Reviewer matching: reviewers by their papers most like a submission.

Source: SciRepEval's evaluator: the mean cosine of a reviewer's three nearest papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.lexical import LexicalIndex
from specter2_plugins.evaluation.report import Score
from specter2_plugins.evaluation.runs import Judgements, Run, compare, judged, scores
from specter2_plugins.scirepeval import Document

_NEAREST = 3


@dataclass(frozen=True)
class ReviewerMatching:
    """Submissions, and the papers of those who may review them.

    Args:
        name: What tables call it.
        papers: Id -> paper, of submissions and reviewers.
        reviewers: Reviewer's id -> the ids of papers. Those that are not there are passed over.
        judgements: Submission's id -> reviewer's id -> how well they match.
        metrics: trec_eval's names.
    """

    name: str
    papers: Mapping[str, Document]
    reviewers: Mapping[str, Sequence[str]]
    judgements: Judgements
    metrics: tuple[str, ...]

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Rank by BM25, by the model and by both.

        Raises:
            EvaluationError: If no submission is judged, or no reviewer that is judged has a paper that is there.
        """
        papers = list(self.papers.values())
        position = {identifier: number for number, identifier in enumerate(self.papers)}
        papers_of = {
            reviewer: known
            for reviewer, written in self.reviewers.items()
            if (known := [position[paper] for paper in written if paper in position])
        }
        asked = judged(self.judgements, self.papers, papers_of)
        vectors = encoder.embed(papers, "proximity")
        lexical = LexicalIndex(papers).scores([self.papers[submission] for submission in asked])
        dense = cosine_similarity(vectors[[position[submission] for submission in asked]], vectors)
        runs = self._run(asked, lexical, papers_of), self._run(asked, dense, papers_of)
        yield from scores(self.name, compare(self.metrics, self.judgements, *runs))

    def _run(
        self, asked: list[str], similarities: Iterable[NDArray[np.floating]], papers_of: Mapping[str, Sequence[int]]
    ) -> Run:
        return {
            submission: {
                reviewer: float(np.sort(row[papers_of[reviewer]])[-_NEAREST:].mean())
                for reviewer in self.judgements[submission]
                if reviewer in papers_of
            }
            for submission, row in zip(asked, similarities, strict=True)
        }
