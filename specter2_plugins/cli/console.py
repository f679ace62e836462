"""Output: results on stdout, progress and errors on stderr, plain where no one watches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_SECONDS_BETWEEN_LINES = 5

output = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    output.file.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many papers are done: a live line on a terminal, else a plain line every few seconds.

    Args:
        what: What is happening to the papers, such as "embedding".

    Yields:
        A function to call with the number of papers done so far.
    """
    started = time.monotonic()

    def rate(done: int) -> str:
        return f"{done / max(time.monotonic() - started, 1e-9):.1f} papers/s"

    if errors.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as bar:
            task = bar.add_task(what, total=None, rate="")
            yield lambda done: bar.update(task, completed=done, rate=f"{done} papers, {rate(done)}")
        return
    last_line = started

    def line(done: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= _SECONDS_BETWEEN_LINES:
            last_line = time.monotonic()
            errors.print(f"{what}: {done} papers, {rate(done)}")

    yield line
