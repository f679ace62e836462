"""How far a command is: a live line on a terminal, else a plain line every 15 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from specter2_plugins.cli.console import errors
from specter2_plugins.cli.pace import Pace

if TYPE_CHECKING:
    from specter2_plugins.cli.source import Source

SECONDS_BETWEEN_LINES = 15


class Show:
    """Shows how far a command is.

    Args:
        line: Where that is shown.
        what: What is happening, such as "embedding".
        unit: What is counted.
        source: Where papers come from; its rejected records are shown too.
        clock: Gives seconds.
    """

    def __init__(
        self, line: _Line, what: str, unit: str, source: Source | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._line = line
        self._what = what
        self._source = source
        self._clock = clock
        self._pace = Pace(unit, clock)

    def __call__(
        self,
        done: float,
        total: float | None = None,
        worked: float | None = None,
        tokens: int = 0,
        read: float | None = None,
    ) -> None:
        """Show what is done of how much, as `Pace.words` says it."""
        text = self._pace.words(done, total, worked, tokens, read)
        if self._source is not None and self._source.rejected:
            text += f", {self._source.rejected} rejected"
        self._line.put(self._what, text, done, total)

    def stage(self, what: str, unit: str) -> None:
        """Go on with another stage, if it is another; its pace is its own."""
        if what != self._what:
            self._what = what
            self._pace = Pace(unit, self._clock)

    def pause(self) -> AbstractContextManager[None]:
        """Give a context in which the terminal is free for a question."""
        return self._line.pause()


@contextmanager
def progress(
    what: str,
    source: Source | None = None,
    *,
    unit: str = "papers",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Show]:
    """Show how far a command is.

    Args:
        what: What is happening, such as "embedding".
        source: Where papers come from; its rejected records are shown too.
        unit: What is counted.
        clock: Gives seconds.

    Yields:
        What to call with that which is done so far.
    """
    if not errors.is_terminal:
        yield Show(_Lines(clock), what, unit, source, clock)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}")
    with Progress(*columns, console=errors, transient=True) as bar:
        yield Show(_Bar(bar, what), what, unit, source, clock)


class _Line(Protocol):
    def put(self, what: str, text: str, done: float, total: float | None) -> None: ...

    def pause(self) -> AbstractContextManager[None]: ...


class _Lines:
    """A line from time to time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()

    def put(self, what: str, text: str, done: float, total: float | None) -> None:
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = self._clock()
            errors.print(f"{what}: {text}")

    def pause(self) -> AbstractContextManager[None]:
        return nullcontext()


class _Bar:
    """One line that changes."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=None, text="")

    def put(self, what: str, text: str, done: float, total: float | None) -> None:
        self._bar.update(self._task, description=what, total=total, completed=done, text=text)

    @contextmanager
    def pause(self) -> Iterator[None]:
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()
