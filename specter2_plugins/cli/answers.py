"""stdout is for the answer alone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from typing import IO, Any, cast

from specter2_plugins.cli.console import output


def answering(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command whose answer alone is on stdout."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        with only_answers():
            return command(*args, **options)

    return run


@contextmanager
def only_answers() -> Iterator[None]:
    """Send to stderr whatever else is written to stdout, by Python, by C++ or by processes that are started here."""
    with _own_stdout() as answers, redirect_stdout(sys.stderr):
        output.file = answers
        try:
            yield
        finally:
            output.file = cast(IO[str], None)  # rich takes sys.stdout then


@contextmanager
def _own_stdout() -> Iterator[IO[str]]:
    """Give stdout under another number, while stderr has its own."""
    stdout = sys.stdout
    try:
        number, errors = stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, io.UnsupportedOperation):  # it is no file, or closed
        yield stdout
        return
    stdout.flush()
    kept = os.dup(number)
    os.dup2(errors, number)
    try:
        with os.fdopen(
            os.dup(kept), "w", encoding=stdout.encoding, errors=stdout.errors, buffering=1 if stdout.isatty() else -1
        ) as answers:
            yield answers
    finally:
        os.dup2(kept, number)
        os.close(kept)
