"""How many points await an index, and when building one is worth it."""

from __future__ import annotations

import time

from qdrant_client import models

from specter2_plugins.edge.configuration import optimizers_config, vector_params

_UNINDEXED_SHARE = 4
_IDLE_SECONDS = 1.0
_FLOAT = 4


class Backlog:
    """The points of a collection that have no index yet.

    It is worth building when there are as many as the collection's threshold asks for and a quarter of all points, so
    that the sum of all builds stays in proportion to the points; or the threshold alone once nothing was written for as
    long as the last build took. A build that failed is tried again when twice as much awaits it.
    """

    def __init__(self) -> None:
        # None until something is written: what only searches has nothing to build.
        self.unindexed: int | None = None
        self._points = 0
        self._threshold = float("inf")
        self._least = 0
        self._written = 0.0
        self._build_seconds = 0.0

    def wrote(self, points: int, total: int, config: models.CreateCollection) -> None:
        """Count points that were written into a collection that now has a number of them."""
        self.unindexed = (self.unindexed or 0) + points
        self._points = total
        self._threshold = _threshold(config)
        self._written = time.monotonic()

    def built(self, points: int, seconds: float) -> None:
        """Count points that got an index, which took so long."""
        self.unindexed = max(0, (self.unindexed or 0) - points)
        self._build_seconds = seconds
        self._least = 0

    def failed(self) -> bool:
        """Wait for twice as much; return whether this is the first failure in a row."""
        first, self._least = not self._least, max(1, 2 * (self.unindexed or 0))
        return first

    @property
    def is_worth_a_build(self) -> bool:
        """Whether there are as many as the threshold asks for."""
        return (self.unindexed or 0) >= self._threshold

    def due(self) -> float | None:
        """Return in how many seconds a build is due if nothing is written; None for never."""
        unindexed = self.unindexed or 0
        if unindexed < max(1, self._threshold, self._least):
            return None
        if unindexed >= self._points / _UNINDEXED_SHARE:
            return 0.0
        return max(0.0, self._written + max(_IDLE_SECONDS, self._build_seconds) - time.monotonic())


def _threshold(config: models.CreateCollection) -> float:
    """Return how many points reach the indexing threshold; infinite where indexing is off."""
    threshold = (optimizers_config(config).indexing_threshold or 0) * 1024
    largest = max((params.size for params in vector_params(config).values()), default=0)
    return threshold / (largest * _FLOAT) if threshold and largest else float("inf")
