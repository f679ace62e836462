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
from specter2_plugins.readers.records import MAX_RECORD, NOT_UTF8, TOO_LONG, Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tidy import tidy

_VENUE_FIELDS = ("journal", "journaltitle", "booktitle", "series", "publisher")
_KEPT_FIELDS = ("volume", "number", "pages", "publisher")
# As bibtexparser: a block begins on a line of its own, even where the one before is not closed.
_BLOCK = re.compile(rb"\s*@\s*\w+\s*[{(]")
_KEY = re.compile(r"\s*@\s*\w+\s*[{(]\s*([^,\s{}()=]+)")
_MALFORMED = "not valid BibTeX: the entry is malformed or cut off"
_MAX_MACROS = 100_000
_MARK = re.compile(r'(?<!\\)[{}"#]')


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
            yield Problem(first_line, _key(block.decode(errors="replace")), NOT_UTF8)
            continue
        # Only the structure is looked at: the library's middlewares drop an entry for one malformed name, and
        # resolve no concatenations.
        for found in bibtexparser.splitter.Splitter(text).split().blocks:
            line = first_line + (found.start_line or 0)
            entry = getattr(found, "ignore_error_block", None) or found
            if isinstance(entry, model.String):
                if len(macros) < _MAX_MACROS:
                    macros[entry.key.lower()] = _value(entry.value, macros)
            elif isinstance(entry, model.Entry):
                yield _entry(line, entry, macros)
            elif isinstance(found, model.ParsingFailedBlock):
                yield Problem(line, _key(found.raw or ""), _MALFORMED)


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
    raw = {field.key.lower(): _value(field.value, macros) for field in entry.fields if isinstance(field.value, str)}
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
    """The text of a field: what stands between its delimiters, a macro, or several of these joined by #."""
    raw = raw.strip()
    parts = []
    position = 0
    while position < len(raw):
        end = _end_of_part(raw, position)
        part = raw[position:end].strip()
        if part[:1] in ("{", '"'):
            parts.append(part[1:-1] if len(part) > 1 else "")
        else:
            parts.append(macros.get(part.lower(), part))
        position = end + 1
    return "".join(parts)


def _end_of_part(raw: str, position: int) -> int:
    """Where the # stands that ends a part, or the end: not in braces, not in quotes."""
    depth, quoted = 0, False
    for mark in _MARK.finditer(raw, position):
        character = mark.group()
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == '"' and depth == 0:
            quoted = not quoted
        elif character == "#" and depth == 0 and not quoted:
            return mark.start()
    return len(raw)


def _key(block: str) -> str | None:
    key = _KEY.match(block)
    return key[1] if key else None


def _is_bibtex(head: bytes) -> bool:
    return any(_BLOCK.match(line) for line in head.split(b"\n"))


BIBTEX = Format("bibtex", _is_bibtex, (".bib", ".bibtex"), _read, plain_text=bibtex_text)
