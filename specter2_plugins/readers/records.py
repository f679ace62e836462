"""What readers yield, and how it becomes a paper or a rejected record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from specter2_plugins.errors import brief
from specter2_plugins.papers import Origin, Paper
from specter2_plugins.readers.ids import identifier
from specter2_plugins.readers.limits import MAX_TEXT, check_length
from specter2_plugins.readers.metadata import canonical
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.tidy import tidy

NOT_UTF8 = "not UTF-8. Convert the file first: iconv -f latin1 -t utf-8, or name its encoding: --encoding latin1"


class Entry(NamedTuple):
    """A record as its format has it: text with its markup, metadata under the names of `canonical`.

    `line` is where it starts, from 1, or its number in a file without lines.
    """

    line: int
    id: Any
    title: Any
    abstract: Any
    metadata: dict[str, Any]


class Problem(NamedTuple):
    """A record that its reader could not read."""

    line: int
    id: str | None
    reason: str


@dataclass(frozen=True)
class Rejected:
    """A record that is no paper.

    Example:
        >>> Rejected("library.bib", 12, "soil", "it has no title")
        Rejected(source='library.bib', line=12, id='soil', reason='it has no title')

    Args:
        source: The file.
        line: Where the record starts, from 1; its number in a file without lines, such as Parquet.
        id: Its identifier, where it has one.
        reason: Why it cannot be embedded.
    """

    source: str
    line: int
    id: str | None
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", brief(self.reason))

    def __str__(self) -> str:
        name = "" if self.id is None else f" ({brief(self.id)})"
        return f"{self.source}:{self.line}{name}: {self.reason}"


def to_paper(entry: Entry, plain_text: Callable[[str], str], source: str) -> Paper:
    """Return the paper of a record: plain text on one line, metadata in the types that every format shares.

    A record without an id is called by its DOI. Placeholders such as "N/A" are neither text nor ids.

    Args:
        entry: The record.
        plain_text: Takes the markup of the format out of a text.
        source: The file it was read from.

    Raises:
        PaperError: If it cannot be embedded.
    """
    metadata = canonical(entry.metadata, plain_text)
    return Paper(
        _text("title", entry.title, plain_text),
        _text("abstract", entry.abstract, plain_text),
        identifier(entry.id) or metadata.get("doi"),
        metadata,
        origin=Origin(source, entry.line),
    )


def _text(name: str, value: Any, plain_text: Callable[[str], str]) -> Any:
    if not isinstance(value, str):
        return value
    check_length(name, value, MAX_TEXT)
    found = tidy(plain_text(value))
    return None if is_placeholder(found) else found or None
