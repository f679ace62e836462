"""RIS, a reference at a time, each parsed by rispy.

Source: https://en.wikipedia.org/wiki/RIS_(file_format)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames
from specter2_plugins.readers.records import MAX_RECORD, NOT_UTF8, TOO_LONG, Entry, Problem
from specter2_plugins.readers.stream import Stream

_BEGIN, _END = b"TY  -", b"ER  -"
_CUT = "not valid RIS: there is no ER at the end, so the reference may be cut off"
_FIRST_REFERENCE = re.compile(rb"(?:\A|[\r\n])TY  - ?\w")
_ABSTRACTS, _TITLES = ("abstract", "notes_abstract"), ("title", "primary_title")
_IDS = ("id", "accession_number")
_VENUES = ("journal_name", "alternate_title3", "secondary_title", "alternate_title1", "alternate_title2")
_YEARS = ("year", "publication_year", "date")
_AUTHORS = ("authors", "first_authors")
_KEPT = ("volume", "number", "start_page", "end_page", "publisher", "language")


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    rispy = require("rispy", "rispy", "readers")
    parser = rispy.RisParser()
    for line, reference in _references(stream):
        if reference is None:
            yield Problem(line, None, TOO_LONG)
            continue
        try:
            text = reference.decode()
        except UnicodeDecodeError:
            yield Problem(line, None, NOT_UTF8)
            continue
        found = parser.parse(text)
        yield _entry(line, found[0]) if found else Problem(line, None, _CUT)


def _references(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Line and text of each reference from TY to ER, or to where the next begins; None for one that is too long."""
    first_line, lines, size = 0, list[bytes](), 0
    for number, line in stream.lines():
        begins = line is not None and line.startswith(_BEGIN)
        if begins and lines:
            yield first_line, b"\n".join(lines)
        if begins:
            first_line, lines, size = number, [], 0
        if not begins and not lines:
            continue
        size += MAX_RECORD if line is None else len(line)
        if size >= MAX_RECORD:
            yield first_line, None
            lines = []
            continue
        lines.append(line or b"")
        if line is not None and line.startswith(_END):
            yield first_line, b"\n".join(lines)
            lines = []
    if lines:
        yield first_line, b"\n".join(lines)


def _entry(line: int, record: dict[str, Any]) -> Entry:
    def first(names: tuple[str, ...]) -> Any:
        return next((record[name] for name in names if record.get(name)), None)

    urls = record.get("urls")
    metadata = {
        "type": record.get("type_of_reference"),
        "year": first(_YEARS),
        "venue": first(_VENUES),
        "authors": first(_AUTHORS),
        "keywords": record.get("keywords"),
        "doi": record.get("doi"),
        "url": urls[0] if urls else None,
        **{name: record.get(name) for name in _KEPT},
    }
    return Entry(line, first(_IDS), first(_TITLES), first(_ABSTRACTS), metadata)


RIS = Format("ris", lambda head: _FIRST_REFERENCE.search(head) is not None, (".ris",), _read)
