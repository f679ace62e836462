"""How far a command is: a live line on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from specter2_plugins.cli.console import errors

if TYPE_CHECKING:
    from specter2_plugins.cli.source import Source

_SECONDS_BETWEEN_LINES = 5


@dataclass(frozen=True)
class Show:
    """Shows how far a command is.

    Args:
        show: Called with the papers done, the tokens embedded, and the share of the source that this is, if known.
        pause: Gives a context in which the terminal is free for a question.
    """

    show: Callable[[int, int, float | None], None]
    pause: Callable[[], AbstractContextManager[None]]

    def __call__(self, done: int, tokens: int, share: float | None) -> None:
        """Show what is done."""
        self.show(done, tokens, share)


@contextmanager
def progress(what: str, source: Source | None = None) -> Iterator[Show]:
    """Show how many papers are done.

    Args:
        what: What is happening to the papers, such as "embedding".
        source: Where they come from; its rejected records are shown too.

    Yields:
        A function to call with what is done so far.
    """
    started = time.monotonic()

    def text(done: int, tokens: int, share: float | None) -> str:
        seconds = max(time.monotonic() - started, 1e-9)
        parts = [f"{done} papers", f"{done / seconds:.1f} papers/s"]
        if tokens:
            parts.append(f"{tokens / seconds:.0f} tokens/s")
        if source is not None and source.rejected:
            parts.append(f"{source.rejected} rejected")
        if share:
            parts.append(f"{timedelta(seconds=round(seconds / share - seconds))} left")
        return ", ".join(parts)

    if errors.is_terminal:
        words = TextColumn("{task.description}"), TextColumn("{task.fields[text]}")
        with Progress(words[0], BarColumn(), TaskProgressColumn(), words[1], console=errors, transient=True) as bar:
            task = bar.add_task(what, total=None, text="")

            def update(done: int, tokens: int = 0, share: float | None = None) -> None:
                total, completed = (None, done) if share is None else (1.0, share)
                bar.update(task, total=total, completed=completed, text=text(done, tokens, share))

            yield Show(update, lambda: _paused(bar))
        return
    last_line = started

    def line(done: int, tokens: int = 0, share: float | None = None) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= _SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            errors.print(f"{what}: {text(done, tokens, share)}")

    yield Show(line, nullcontext)


@contextmanager
def _paused(bar: Progress) -> Iterator[None]:
    bar.stop()
    try:
        yield
    finally:
        bar.start()
