"""BibTeX, an entry at a time, each parsed by bibtexparser."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.markup import bibtex_text
from specter2_plugins.readers.names import FieldNames
from specter2_plugins.readers.records import MAX_RECORD, TOO_LONG, Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tidy import tidy

_VENUE_FIELDS = ("journal", "journaltitle", "booktitle", "series", "publisher")
_KEPT_FIELDS = ("volume", "number", "pages", "publisher")
# As bibtexparser: a block begins on a line of its own, even where the one before is not closed.
_BLOCK = re.compile(rb"\s*@\s*\w+\s*(?:[{(]|\Z)")
_CONTENT = re.compile(rb"^[ \t]*@[ \t]*\w+\s*[{(]", re.MULTILINE)
_BEGIN = re.compile(r"\A\s*@\s*(\w+)\s*(?=[{(])")
_KEY = re.compile(r"\s*@\s*\w+\s*[{(]\s*([^,\s{}()=]+)\s*(?:,|\Z)")
_MALFORMED = "not valid BibTeX: the entry is malformed or cut off"
_NO_COMMA = "not valid BibTeX: a comma is missing before"
_MAX_MACROS = 100_000
_MARK = re.compile(r'(?<!\\)[{}"]')
_JOINT = re.compile(r"\s*(?:#\s*|\Z)")


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    bibtexparser = require("bibtexparser", "bibtexparser", "readers")
    # It logs each malformed entry, which is reported here; whoever listens to its logger still hears it.
    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())
    model = bibtexparser.model
    macros: dict[str, str] = {}
    for first_line, block in _blocks(stream):
        if block is None:
            yield Problem(first_line, None, TOO_LONG)
            continue
        try:
            text = block.decode()
        except UnicodeDecodeError:
            yield Problem(first_line, _key(block.decode(errors="replace")), stream.undecodable)
            continue
        # Only the structure is looked at: the library's middlewares drop an entry for one malformed name, and
        # resolve no concatenations.
        for found in bibtexparser.splitter.Splitter(_BEGIN.sub(r"@\1", text)).split().blocks:
            line = first_line + (found.start_line or 0)
            entry = getattr(found, "ignore_error_block", None) or found
            try:
                if isinstance(entry, model.String) and len(macros) < _MAX_MACROS:
                    macros[entry.key.lower()] = _value(entry.value, macros)
                elif isinstance(entry, model.Entry):
                    yield _entry(line, entry, macros)
                elif isinstance(found, model.ParsingFailedBlock):
                    yield Problem(line, _key(found.raw or ""), _MALFORMED)
            except ValueError as error:
                yield Problem(line, entry.key or None, f"{_NO_COMMA} {str(error)[:40]!r}")


def _blocks(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Line and text of each block, with whatever follows it up to the next one; None for one that is too long."""
    first_line, lines, size = 1, list[bytes](), 0
    for number, line in stream.lines():
        if line is None or _BLOCK.match(line):
            if lines:
                yield first_line, b"\n".join(lines) if size <= MAX_RECORD else None
            first_line, lines, size = number, [], 0
        if line is None:
            yield number, None
        else:
            size += len(line)
            if size <= MAX_RECORD:
                lines.append(line)
    if lines:
        yield first_line, b"\n".join(lines) if size <= MAX_RECORD else None


def _entry(line: int, entry: Any, macros: dict[str, str]) -> Entry:
    raw = {
        field.key.lower(): _value(field.value, macros)
        for field in reversed(entry.fields)
        if isinstance(field.value, str)
    }
    metadata: dict[str, Any] = {
        "type": entry.entry_type,
        "year": raw.get("year") or raw.get("date"),
        "venue": next((bibtex_text(raw[name]) for name in _VENUE_FIELDS if raw.get(name)), None),
        "authors": _authors(raw.get("author", "")),
        "keywords": bibtex_text(raw.get("keywords", "")),
        "doi": raw.get("doi"),
        "url": raw.get("url"),
    }
    metadata |= {name: bibtex_text(raw[name]) for name in _KEPT_FIELDS if raw.get(name)}
    return Entry(line, entry.key or None, raw.get("title"), raw.get("abstract"), metadata)


def _authors(field: str) -> list[str]:
    """Turn "Last, First and Last, First" into ["First Last", "First Last"]."""
    names = []
    for author in tidy(field).split(" and "):
        last, comma, first = author.partition(",")
        names.append(bibtex_text(f"{first.strip()} {last.strip()}" if comma else author))
    return names


def _value(raw: str, macros: dict[str, str]) -> str:
    """The text of a field: what stands between its delimiters, a macro, or several of these joined by #.

    Raises:
        ValueError: If something else follows a delimiter, such as a field whose comma is missing.
    """
    parts = []
    position, length = 0, len(raw)
    while position < length:
        if raw[position] in '{"':
            end = _closing(raw, position)
            parts.append(raw[position + 1 : end])
            end += 1
        else:
            joint = raw.find("#", position)
            end = joint if joint >= 0 else length
            word = raw[position:end].strip()
            parts.append(macros.get(word.lower(), word))
        joined = _JOINT.match(raw, end)
        if joined is None:
            raise ValueError(raw[end:])
        position = joined.end()
    return "".join(parts)


def _closing(raw: str, position: int) -> int:
    """Where the delimiter at a position is closed."""
    depth, closes = 0, '"' if raw[position] == '"' else "}"
    for mark in _MARK.finditer(raw, position + 1):
        if depth == 0 and mark[0] == closes:
            return mark.start()
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
    return len(raw)


def _key(block: str) -> str | None:
    key = _KEY.match(block)
    return key[1] if key else None


BIBTEX = Format(
    "bibtex", lambda head: _CONTENT.search(head) is not None, (".bib", ".bibtex"), _read, plain_text=bibtex_text
)
