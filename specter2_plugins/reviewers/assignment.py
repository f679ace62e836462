"""Scores, loads and conflicts -> who reviews what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from specter2_plugins.errors import Specter2Error
from specter2_plugins.reviewers.aggregation import Floats


@dataclass(frozen=True)
class Assignment:
    """Who reviews what.

    Args:
        chosen: [submissions, reviewers], true for a pair.
        scores: [submissions, reviewers].
    """

    chosen: NDArray[np.bool_]
    scores: Floats

    def figures(self) -> dict[str, float]:
        """Return how good it is: scores of its pairs and of its submissions, and loads.

        `worst_submission` and `mean_submission` are of the mean score of a submission's reviewers; `fairness` is the
        first divided by the second.
        """
        own = np.where(self.chosen, self.scores, 0).sum(axis=1) / np.maximum(self.chosen.sum(axis=1), 1)
        loads = self.chosen.sum(axis=0)
        return {
            "pairs": int(self.chosen.sum()),
            "mean_score": float(self.scores[self.chosen].mean()),
            "mean_submission": float(own.mean()),
            "worst_submission": float(own.min()),
            "fairness": float(own.min() / own.mean()) if own.mean() else 0.0,
            "smallest_load": int(loads.min()),
            "mean_load": float(loads.mean()),
            "largest_load": int(loads.max()),
        }


def assign(
    scores: Floats,
    *,
    each: int = 3,
    load: int,
    least: int = 0,
    conflicts: NDArray[np.bool_] | None = None,
    considered: int = 100,
) -> Assignment:
    """Assign reviewers so that the scores' sum is the largest, as conferences do.

    It is a flow of least cost, whose linear program has whole numbers for its solution; scipy's HiGHS solves it.
    Source: Charlin and Zemel, "The Toronto Paper Matching System" (2013).

    Example:
        >>> scores = np.array([[0.9, 0.8], [0.9, 0.1]], np.float32)
        >>> assign(scores, each=1, load=1).chosen.tolist()
        [[False, True], [True, False]]

    Args:
        scores: [submissions, reviewers].
        each: How many each submission gets.
        load: How many submissions a reviewer gets at most.
        least: And at least.
        conflicts: [submissions, reviewers], true for a pair that must not be. Default: none.
        considered: Pairs are first sought among the best so many of each submission and of each reviewer; among all
            only where these do not suffice. So with thousands of both a sum a little below the largest may come out.

    Raises:
        Specter2Error: If there is no such assignment; it names what is short.
    """
    submissions, reviewers = scores.shape
    allowed = np.ones(scores.shape, bool) if conflicts is None else ~conflicts
    _check(allowed, each, least, load)
    ranked = np.where(allowed, scores, -np.inf)
    among = allowed & (_near(ranked, considered) | _near(ranked.T, considered).T)
    chosen = _solved(scores, among, each, least, load)
    if chosen is None and not np.array_equal(among, allowed):
        chosen = _solved(scores, allowed, each, least, load)
    if chosen is None:
        raise Specter2Error(
            f"no assignment gives {submissions} submissions {each} reviewers each, "
            f"{least} to {load} for each of {reviewers}, and keeps the conflicts; allow larger loads"
        )
    return Assignment(chosen, scores)


def _near(scores: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    """Return where the best scores of each row are."""
    best = np.ones(scores.shape, bool)
    if count < scores.shape[1]:
        worse = np.argpartition(scores, -count, axis=1)[:, :-count]
        np.put_along_axis(best, worse, False, axis=1)
    return best


def _solved(
    scores: Floats, among: NDArray[np.bool_], each: int, smallest: int, largest: int
) -> NDArray[np.bool_] | None:
    """Return the pairs, or None where there is no assignment."""
    rows, columns = np.nonzero(among)
    pairs, ones = np.arange(len(rows)), np.ones(len(rows))
    submissions, reviewers = scores.shape
    of_submission: Any = csr_array((ones, (rows, pairs)), (submissions, len(rows)))
    of_reviewer: Any = csr_array((ones, (columns, pairs)), (reviewers, len(rows)))
    solved = linprog(
        -scores[rows, columns].astype(float),
        A_eq=of_submission,
        b_eq=np.full(submissions, each),
        A_ub=vstack([of_reviewer, -of_reviewer]),
        b_ub=np.repeat([largest, -smallest], reviewers),
        bounds=(0, 1),
        method="highs-ds",
    )
    if not solved.success:
        return None
    chosen = np.zeros(scores.shape, bool)
    chosen[rows, columns] = solved.x > 0.5
    return chosen


def _check(allowed: NDArray[np.bool_], each: int, smallest: int, largest: int) -> None:
    submissions, reviewers = allowed.shape
    if each < 1 or not 0 <= smallest <= largest:
        raise Specter2Error(f"{each} reviewers and loads of {smallest} to {largest} cannot be")
    if submissions * each > reviewers * largest:
        raise Specter2Error(
            f"{submissions} submissions x {each} reviewers are {submissions * each} reviews, and {reviewers} reviewers "
            f"x {largest} make {reviewers * largest}"
        )
    if submissions * each < reviewers * smallest:
        raise Specter2Error(
            f"{reviewers} reviewers x {smallest} are {reviewers * smallest} reviews, and there are {submissions * each}"
        )
    short = np.nonzero(allowed.sum(axis=1) < each)[0]
    if len(short):
        raise Specter2Error(
            f"{len(short)} submissions have fewer than {each} reviewers without a conflict, the first is number "
            f"{short[0] + 1}"
        )
