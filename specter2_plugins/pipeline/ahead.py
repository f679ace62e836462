"""Running an iterator in a thread, some items ahead of whoever takes them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

_POLL_SECONDS = 0.1

Item = TypeVar("Item")


def ahead(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items of an iterator, which a thread runs at most `depth` items ahead.

    What the iterator raises is raised here, after the items before it. Closing the result ends the thread at its
    next item.
    """
    queue: Queue[tuple[Item | None, BaseException | None]] = Queue(depth)
    closed = Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not closed.is_set():
            with suppress(Full):
                queue.put((item, error), timeout=_POLL_SECONDS)
                return

    def run() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    return
        except BaseException as error:
            put(None, error)
        else:
            put(None, StopIteration())

    # A source may wait for its input for ever, so the thread must not keep the process alive.
    Thread(target=run, daemon=True, name="specter2-ahead").start()
    try:
        while True:
            item, error = _take(queue)
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        closed.set()


def _take(queue: Queue[Item]) -> Item:
    # Waiting in slices lets a signal's handler run where a blocked thread would keep it waiting.
    while True:
        with suppress(Empty):
            return queue.get(timeout=_POLL_SECONDS)
