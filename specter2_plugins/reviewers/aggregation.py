"""The similarities of a person's papers -> one score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import Specter2Error

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Aggregation:
    """How the similarities of a submission and all papers of a person become one score.

    Example:
        >>> Aggregation(best=2)(np.array([[0.2, 0.6, 0.4]], np.float32)).round(1).tolist()
        [0.5]

    Args:
        best: The mean of so many of the nearest papers; 1 is the maximum, None the mean of all. SciRepEval's reviewer
            matching takes three.
        percentile: Instead, the similarity that so many percent of the papers stay below.

    Raises:
        Specter2Error: If a number is out of range.
    """

    best: int | None = 3
    percentile: float | None = None

    def __post_init__(self) -> None:
        if self.best is not None and self.best < 1:
            raise Specter2Error(f"best is {self.best}, expected 1 or more")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise Specter2Error(f"percentile is {self.percentile}, expected 0 to 100")

    def __call__(self, similarities: Floats, weights: Floats | None = None) -> Floats:
        """Return scores.

        Args:
            similarities: [..., papers].
            weights: What each paper counts for in a mean, what broadcasts to [..., papers]. Default: all the same.

        Returns:
            [...].
        """
        papers = similarities.shape[-1]
        if self.percentile is not None:
            return np.percentile(similarities, self.percentile, axis=-1).astype(np.float32)
        top = min(self.best or papers, papers)
        if weights is None:
            return similarities.mean(axis=-1) if top == papers else _mean_of_nearest(similarities, top)
        weights = np.broadcast_to(weights, similarities.shape)
        nearest = np.argpartition(similarities, papers - top, axis=-1)[..., papers - top :]
        kept = np.take_along_axis(weights, nearest, axis=-1)
        total: Floats = (np.take_along_axis(similarities, nearest, axis=-1) * kept).sum(axis=-1) / kept.sum(axis=-1)
        return total


def _mean_of_nearest(similarities: Floats, top: int) -> Floats:
    """Return the mean of the largest along the last axis, which is short: numpy's partition takes a call for each."""
    best = np.full((top, *similarities.shape[:-1]), -np.inf, np.float32)
    for paper in range(similarities.shape[-1]):
        one = similarities[..., paper]
        for place in best:
            smaller = np.minimum(place, one)
            np.maximum(place, one, out=place)
            one = smaller
    mean: Floats = best.mean(axis=0)
    return mean
