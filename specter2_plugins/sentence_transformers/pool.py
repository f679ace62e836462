"""The processes of a pool that Sentence Transformers starts: each side ends when the other has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import wait
from queue import Empty
from typing import Any

from specter2_plugins.errors import WorkerError

_POLL_SECONDS = 1.0


class WatchedQueue:
    """A queue of results that is not waited for once a worker has died, which Sentence Transformers 5 would do."""

    def __init__(self, queue: Any, processes: Sequence[Any]) -> None:
        self._queue = queue
        self._processes = processes

    def get(self, *_: Any, **__: Any) -> Any:
        """Return the next result.

        Raises:
            WorkerError: If a worker has died.
        """
        while True:
            with suppress(Empty):
                return self._queue.get(timeout=_POLL_SECONDS)
            for process in self._processes:
                if not process.is_alive():
                    raise WorkerError(
                        f"the worker with pid {process.pid} died (exit code {process.exitcode}); if it ran out of "
                        "memory, take fewer workers"
                    )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def end_with_parent() -> None:
    """Wait for the end of the process that started this one, which may be killed before it stops its workers."""
    if parent := parent_process():
        wait([parent.sentinel])
        os._exit(1)
