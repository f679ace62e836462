"""How fast work goes, and how long it has to go."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

_WINDOW = 60.0
"""Seconds that the rate is of."""


class _Seen(NamedTuple):
    time: float
    worked: float
    work: float
    """What was work, and what is known to be: it waits."""
    read: float
    tokens: int = 0


class Pace:
    """What is done of how much, the rate over the last minute, and the time left.

    Example:
        >>> seconds = iter([0.0, 10.0])
        >>> pace = Pace("papers", lambda: next(seconds))
        >>> pace.words(done=30, total=90)
        '30 of 90 papers, 3.0 papers/s, 0:00:20 left'

    Args:
        unit: What is counted.
        clock: Gives seconds.
    """

    def __init__(self, unit: str = "papers", clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._clock = clock
        self._seen: deque[_Seen] = deque([_Seen(clock(), 0.0, 0.0, 0.0)])

    def words(
        self,
        done: float,
        total: float | None,
        worked: float | None = None,
        tokens: int = 0,
        read: float | None = None,
    ) -> str:
        """Say how far it is.

        Args:
            done: What needs no more work, whatever became of it.
            total: What there is in all; None where nobody knows.
            worked: What of it was work. What was there already, came twice or was rejected is done at once, and tells
                nothing of the time that the rest takes. Default: all that is done.
            tokens: Tokens embedded so far.
            read: What was looked at, ahead of the work, so that it is known whether it is any. Default: what is done.
        """
        worked = done if worked is None else worked
        read = done if read is None else read
        # All that was looked at is done without work, was work, or waits for it.
        now = _Seen(self._clock(), worked, read - (done - worked), read, tokens)
        while len(self._seen) > 1 and self._seen[1].time <= now.time - _WINDOW:
            self._seen.popleft()
        then = self._seen[0]
        self._seen.append(now)
        seconds = max(now.time - then.time, 1e-9)
        rate = (now.worked - then.worked) / seconds
        known = total is not None and total >= done
        parts = [f"{done:.0f} of {total:.0f} {self._unit}" if known else f"{done:.0f} {self._unit}"]
        parts.append(f"{rate:.1f} {self._unit}/s")
        if tokens:
            parts.append(f"{(tokens - then.tokens) / seconds:.0f} tokens/s")
        if known and rate > 0:
            since = then if now.read > then.read else _Seen(0, 0, 0, 0)
            share = (now.work - since.work) / max(now.read - since.read, 1)
            unread = max(0.0, (total or 0) - read) * share
            parts.append(f"{timedelta(seconds=round((now.work - worked + unread) / rate))} left")
        return ", ".join(parts)
