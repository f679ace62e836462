"""Output: results on stdout, progress and errors on stderr, all of it fit for a terminal."""

from __future__ import annotations

import logging
from typing import Any

from rich.console import Console
from rich.text import Text

from specter2_plugins.addresses import without_secrets
from specter2_plugins.printable import fit, to_json


class _Fit(Console):
    """A console that spells out what a terminal would obey, wherever a text came from, and shows no password of a URL.

    Args:
        keep: Characters that are left as they are.
        **settings: As for rich's `Console`.
    """

    def __init__(self, keep: str, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, soft_wrap=True, **settings)
        self._keep = keep

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does, of texts what is fit for a terminal."""
        super().print(*map(self._fit, objects), **settings)

    def _fit(self, value: Any) -> Any:
        if isinstance(value, str):
            return fit(without_secrets(value), self._keep)
        if isinstance(value, Text) and not value.plain.isprintable():
            return Text(fit(value.plain, self._keep), style=value.style)
        return value


output = _Fit(keep="\n")
errors = _Fit(keep="", stderr=True)
"""One call prints one line, so that no text can pass for a second message."""


class _Log(logging.Handler):
    """Prints what libraries log, where nobody else takes it."""

    def emit(self, record: logging.LogRecord) -> None:
        errors.print(record.getMessage())


def print_logs() -> None:
    """Have warnings that libraries log printed as errors are."""
    logging.lastResort = _Log(logging.WARNING)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    write(to_json(value, indent=2) + "\n")


def write(text: str) -> None:
    """Write a text that is fit already to stdout as it stands."""
    output.file.write(text)
