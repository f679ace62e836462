"""How fast work goes, and how long it has to go."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

_WINDOW = 60.0
"""Seconds that the rate is of."""


class Pace:
    """What is done of how much, the rate over the last minute, and the time left.

    Example:
        >>> seconds = iter([0.0, 10.0])
        >>> pace = Pace("papers", lambda: next(seconds))
        >>> pace.words(done=30, total=90, worked=20)
        '30 of 90 papers, 2.0 papers/s, 0:00:30 left'

    Args:
        unit: What is counted.
        clock: Gives seconds.
    """

    def __init__(self, unit: str = "papers", clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._clock = clock
        self._seen: deque[tuple[float, float, float]] = deque([(clock(), 0.0, 0.0)])

    def words(self, done: float, total: float | None, worked: float | None = None, tokens: int = 0) -> str:
        """Say how far it is.

        Args:
            done: What needs no more work, whatever became of it.
            total: What there is in all; None where nobody knows.
            worked: What of it was work. What was there already, came twice or was rejected is done at once, and tells
                nothing of the time that the rest takes. Default: all that is done.
            tokens: Tokens embedded so far.
        """
        now = self._clock()
        worked = done if worked is None else worked
        while len(self._seen) > 1 and self._seen[1][0] <= now - _WINDOW:
            self._seen.popleft()
        then, worked_then, tokens_then = self._seen[0]
        self._seen.append((now, worked, tokens))
        seconds = max(now - then, 1e-9)
        rate = (worked - worked_then) / seconds
        known = total is not None and total >= done
        parts = [f"{done:.0f} of {total:.0f} {self._unit}" if known else f"{done:.0f} {self._unit}"]
        parts.append(f"{rate:.1f} {self._unit}/s")
        if tokens:
            parts.append(f"{(tokens - tokens_then) / seconds:.0f} tokens/s")
        if known and rate > 0:
            parts.append(f"{timedelta(seconds=round(((total or 0) - done) / rate))} left")
        return ", ".join(parts)
