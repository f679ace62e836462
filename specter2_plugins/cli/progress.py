"""How far a command is: a live line on a terminal, else a plain line every 15 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from specter2_plugins.cli.console import errors
from specter2_plugins.cli.pace import Pace

if TYPE_CHECKING:
    from specter2_plugins.cli.source import Source

SECONDS_BETWEEN_LINES = 15


class Update(Protocol):
    """Takes what is done of how much, as `Pace.words` does."""

    def __call__(self, done: float, total: float | None = None, worked: float | None = None, tokens: int = 0) -> None:
        """Take it."""


@dataclass(frozen=True)
class Show:
    """Shows how far a command is.

    Args:
        show: Called with what is done.
        pause: Gives a context in which the terminal is free for a question.
    """

    show: Update
    pause: Callable[[], AbstractContextManager[None]]

    def __call__(self, done: float, total: float | None = None, worked: float | None = None, tokens: int = 0) -> None:
        """Show what is done."""
        self.show(done, total, worked, tokens)


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
        A function to call with what is done so far.
    """
    pace = Pace(unit, clock)

    def text(done: float, total: float | None, worked: float | None, tokens: int) -> str:
        rejected = f", {source.rejected} rejected" if source is not None and source.rejected else ""
        return pace.words(done, total, worked, tokens) + rejected

    if errors.is_terminal:
        words = TextColumn("{task.description}"), TextColumn("{task.fields[text]}")
        with Progress(words[0], BarColumn(), TaskProgressColumn(), words[1], console=errors, transient=True) as bar:
            task = bar.add_task(what, total=None, text="")

            def update(done: float, total: float | None = None, worked: float | None = None, tokens: int = 0) -> None:
                bar.update(task, total=total, completed=done, text=text(done, total, worked, tokens))

            yield Show(update, lambda: _paused(bar))
        return
    last_line = clock()

    def line(done: float, total: float | None = None, worked: float | None = None, tokens: int = 0) -> None:
        nonlocal last_line
        said = text(done, total, worked, tokens)
        if clock() - last_line >= SECONDS_BETWEEN_LINES:
            last_line = clock()
            errors.print(f"{what}: {said}")

    yield Show(line, nullcontext)


@contextmanager
def _paused(bar: Progress) -> Iterator[None]:
    bar.stop()
    try:
        yield
    finally:
        bar.start()
