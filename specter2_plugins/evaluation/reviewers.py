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
            EvaluationError: If no submission is judged.
        """
        asked = judged(self.judgements, self.papers)
        papers = list(self.papers.values())
        position = {identifier: number for number, identifier in enumerate(self.papers)}
        lexical = LexicalIndex(papers).scores([self.papers[submission] for submission in asked])
        vectors = encoder.embed(papers, "proximity")
        dense = cosine_similarity(vectors[[position[submission] for submission in asked]], vectors)
        runs = self._run(asked, lexical, position), self._run(asked, dense, position)
        yield from scores(self.name, compare(self.metrics, self.judgements, *runs))

    def _run(self, asked: list[str], similarities: Iterable[NDArray[np.floating]], position: Mapping[str, int]) -> Run:
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
            for submission, row in zip(asked, similarities, strict=True)
        }
