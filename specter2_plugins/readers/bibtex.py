"""BibTeX, an entry at a time, each parsed by bibtexparser."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.ids import doi
from specter2_plugins.readers.inheritance import Inheritance, RawEntry
from specter2_plugins.readers.markup import bibtex_text
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.names import FieldNames, titled
from specter2_plugins.readers.people import first_name_first
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.records import MAX_RECORD, TOO_LONG, Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tidy import tidy

_VENUE_FIELDS = (
    *(
        "journal",
        "journaltitle",
        "booktitle",
        "maintitle",
        "eventtitle",
        "series",
        "publisher",
        "school",
        "institution",
    ),
    "organization",
)
_KEPT_FIELDS = ("volume", "number", "pages", "publisher")
# As bibtexparser: a block begins on a line of its own, even where the one before is not closed.
_BLOCK = re.compile(rb"\s*@\s*\w+\s*(?:[{(]|\Z)")
_CONTENT = re.compile(rb"^[ \t]*@[ \t]*\w+\s*[{(]", re.MULTILINE)
_BEGIN = re.compile(r"\A\s*@\s*(\w+)\s*(?=[{(])")
_KEY = re.compile(r"\s*@\s*\w+\s*[{(]\s*([^,\s{}()=]+)\s*(?:,|\Z)")
_MALFORMED = "not valid BibTeX: the entry is malformed or cut off"
_NO_COMMA = "not valid BibTeX: a comma is missing before"
_OUTSIDE = "text outside of an entry, which may be the rest of one"
_COMMENT_LINE = re.compile(r"\s*(?:[%#;*=-]|//|[\W\d_]*\Z)")
_MAX_MACROS = 100_000
_MAX_EXPANDED = 2**20
_ONE_GROUP = re.compile(r"\{[^{}]*\}")
_MARK = re.compile(r'(?<!\\)[{}"]')
_JOINT = re.compile(r"\s*(?:#\s*|\Z)")


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    inheritance = Inheritance(to_entry)
    for found in _found(stream):
        if isinstance(found, Problem):
            yield from inheritance.add(None, found)
        else:
            yield from inheritance.add(found, None)
    yield from inheritance.rest()


def _found(stream: Stream) -> Iterator[RawEntry | Problem]:
    bibtexparser = require("bibtexparser", "bibtexparser", "readers")
    # It logs each malformed entry, which is reported here; whoever listens to its logger still hears it.
    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())
    model = bibtexparser.model
    macros: dict[str, str] = {}
    begun = False
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
        reported = False
        for found in bibtexparser.splitter.Splitter(_BEGIN.sub(r"@\1", text)).split().blocks:
            line = first_line + (found.start_line or 0)
            reported = reported or isinstance(found, model.ParsingFailedBlock)
            entry = getattr(found, "ignore_error_block", None) or found
            try:
                if isinstance(entry, model.String) and len(macros) < _MAX_MACROS:
                    macros[entry.key.lower()] = _value(entry.value, macros)
                elif isinstance(entry, model.Entry):
                    begun = True
                    yield _raw(line, entry, macros)
                elif isinstance(found, model.ParsingFailedBlock):
                    yield Problem(line, _key(found.raw or ""), _MALFORMED)
                elif (
                    isinstance(found, model.ImplicitComment)
                    and begun
                    and not reported
                    and (outside := _outside(found.comment))
                ):
                    yield Problem(line, None, f"{_OUTSIDE}: {outside!r}")
            except OverflowError:
                yield Problem(line, entry.key or None, f"its macros expand to more than {_MAX_EXPANDED:,} characters")
            except ValueError as error:
                yield Problem(line, entry.key or None, f"{_NO_COMMA} {str(error)[:40]!r}")


def _outside(comment: str) -> str:
    """What stands between entries and is no comment."""
    lines = [line.strip() for line in comment.splitlines() if not _COMMENT_LINE.match(line)]
    return lines[0][:40] if lines else ""


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


def _raw(line: int, entry: Any, macros: dict[str, str]) -> RawEntry:
    fields = {
        field.key.lower(): _value(field.value, macros)
        for field in reversed(entry.fields)
        if isinstance(field.value, str)
    }
    return RawEntry(line, entry.entry_type, entry.key, fields)


def to_entry(entry: RawEntry) -> Entry:
    """Return an entry, with what it has inherited, under our names."""
    raw = entry.fields
    metadata: dict[str, Any] = {
        "type": entry.kind,
        "year": next((raw[name] for name in ("year", "date", "eventdate") if year(raw.get(name))), None),
        "venue": next((raw[name] for name in _VENUE_FIELDS if raw.get(name) and not is_placeholder(raw[name])), None),
        "authors": _authors(raw.get("author", "")),
        "keywords": raw.get("keywords") or raw.get("keyword"),
        "doi": raw.get("doi") if doi(raw.get("doi")) else raw.get("url"),
        "url": raw.get("url"),
    }
    metadata |= {name: bibtex_text(raw[name]) for name in _KEPT_FIELDS if raw.get(name)}
    return Entry(
        entry.line, entry.key or None, titled(raw.get("title"), raw.get("subtitle")), raw.get("abstract"), metadata
    )


def _authors(field: str) -> list[str]:
    """The people of "Last, First and {A Group}"; the library knows braces, names of any other form are turned here."""
    names = require("bibtexparser.middlewares.names", "bibtexparser", "readers")
    try:
        people = names.split_multiple_persons_names(tidy(field))
    except (ValueError, IndexError):
        people = tidy(field).split(" and ")
    return [
        bibtex_text(person) if _ONE_GROUP.fullmatch(person) else first_name_first(bibtex_text(person))
        for person in people
    ]


def _value(raw: str, macros: dict[str, str]) -> str:
    """The text of a field: what stands between its delimiters, a macro, or several of these joined by #.

    Raises:
        ValueError: If something else follows a delimiter, such as a field whose comma is missing.
        OverflowError: If macros make it too long.
    """
    parts: list[str] = []
    position, length, size = 0, len(raw), 0
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
        size += len(parts[-1])
        if size > len(raw) + _MAX_EXPANDED:
            raise OverflowError
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
