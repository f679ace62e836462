"""What every reader yields: papers, and records that are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Rejected:
    """A record that is no paper.

    Args:
        source: The file.
        line: Where the record starts, from 1.
        id: Its identifier, where it has one.
        reason: Why it cannot be embedded.
    """

    source: str
    line: int
    id: str | None
    reason: str

    def __str__(self) -> str:
        name = "" if self.id is None else f" ({self.id})"
        return f"{self.source}:{self.line}{name}: {self.reason}"


def tidy(text: str) -> str:
    """Text on one line, without the control characters that tokenizers drop and terminals obey."""
    return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()


def paper_or_rejected(
    source: str, line: int, identifier: str | None, title: Any, abstract: Any, metadata: dict[str, Any]
) -> Paper | Rejected:
    """Make a paper of a record's fields, or say why it is none."""
    title, abstract = (tidy(field) or None if isinstance(field, str) else field for field in (title, abstract))
    try:
        return Paper(title, abstract, identifier, metadata)
    except PaperError as error:
        return Rejected(source, line, identifier, str(error))
