"""Work that is done when it is due, in a thread that lives as long as some is."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LONGEST_NAP_SECONDS = 0.2


class Background:
    """Does some work whenever it is due.

    Args:
        work: What to do.
        due: In how many seconds, as things are; None for not until `wake`.
    """

    def __init__(self, work: Callable[[], None], due: Callable[[], float | None]) -> None:
        self._work, self._due = work, due
        self._changing = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether something is done, or will be soon."""
        with self._changing:
            return self._thread is not None

    def wake(self) -> None:
        """Look whether something is due."""
        with self._changing:
            if self._thread is None and not self._ending.is_set():
                # A daemon: a client that nobody closes must not hold the process at its end.
                self._thread = threading.Thread(target=self._run, name="specter2-indexing", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is being done."""
        self._ending.set()
        with self._changing:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        try:
            while (delay := self._next()) is not None:
                if delay > 0:
                    self._ending.wait(min(delay, _LONGEST_NAP_SECONDS))
                else:
                    self._work()
        except BaseException:
            self._thread = None
            raise

    def _next(self) -> float | None:
        """Return in how many seconds something is due; None ends the thread, so that the next `wake` starts another."""
        with self._changing:
            delay = None if self._ending.is_set() else self._due()
            if delay is None:
                self._thread = None
            return delay
