"""Finding out a file's format and reading it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.readers.bibtex import read_bibtex
from specter2_plugins.readers.jsonl import read_jsonl
from specter2_plugins.readers.records import Rejected

_HEAD_BYTES = 65536


@dataclass(frozen=True)
class Format:
    """A file format: how to read it, and how to recognise it by content or, failing that, by extension."""

    read: Callable[[Path], Iterator[Paper | Rejected]]
    content: re.Pattern[bytes]
    extensions: tuple[str, ...]


FORMATS: dict[str, Format] = {
    "jsonl": Format(read_jsonl, re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{\s*[\"}]"), (".jsonl", ".ndjson")),
    "bibtex": Format(
        read_bibtex, re.compile(rb"^(?:\xef\xbb\xbf)?\s*@\s*\w+\s*[{(]", re.MULTILINE), (".bib", ".bibtex")
    ),
}


def read_papers(
    path: str | Path, format: str | None = None, on_reject: Callable[[Rejected], None] | None = None
) -> Iterator[Paper]:
    """Read the papers of a file.

    Args:
        path: The file.
        format: "jsonl" or "bibtex"; by default found by content, then by extension.
        on_reject: Called with each record that is no paper. Without it the first one raises.

    Yields:
        The papers, in the file's order.

    Raises:
        PaperError: If the file cannot be read, its format is unknown, or a record is no paper and
            there is no `on_reject`.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise PaperError(f"format is {format!r}, expected one of {', '.join(FORMATS)}")
    try:
        for record in FORMATS[format or _detect(path)].read(path):
            if isinstance(record, Paper):
                yield record
            elif on_reject is None:
                raise PaperError(str(record))
            else:
                on_reject(record)
    except OSError as error:
        raise PaperError(f"cannot read {path}: {error.strerror or error}") from None


def _detect(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for name, known in FORMATS.items():
        if known.content.search(head):
            return name
    for name, known in FORMATS.items():
        if path.suffix.lower() in known.extensions:
            return name
    raise PaperError(
        f"cannot tell the format of {path} by its content or extension; known formats: {', '.join(FORMATS)}. "
        "Name it, for instance: --format jsonl"
    )
