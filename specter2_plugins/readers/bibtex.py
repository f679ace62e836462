"""BibTeX, an entry at a time, each parsed by bibtexparser."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.readers.bibtex_values import Macros
from specter2_plugins.readers.fields import FieldNames, titled
from specter2_plugins.readers.format import Format, at_sign
from specter2_plugins.readers.ids import doi, is_local
from specter2_plugins.readers.inheritance import Inheritance, RawEntry
from specter2_plugins.readers.limits import MAX_LIST, MAX_PARTS, MAX_RECORD, TOO_LONG, TOO_MANY, check_length
from specter2_plugins.readers.markup import bibtex_text
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.people import first_name_first, names
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.records import Entry, Problem
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
_REPEATED = {"author": " and ", "abstract": " ", "keywords": ", "}
"""Fields that may come twice, and what then stands between; of others the first counts."""
_KEPT_FIELDS = ("volume", "number", "pages", "publisher")
# As bibtexparser: a block begins on a line of its own, even where the one before is not closed.
_BLOCK = re.compile(rb"\s*@\s*\w+\s*(?:[{(]|\Z)")
_CONTENT = re.compile(rb"^[ \t]*@[ \t]*\w+\s*[{(]", re.MULTILINE)
_BEGIN = re.compile(r"\A\s*@\s*(\w+)\s*(?=[{(])")
_NO_KEY = re.compile(r"\A(@(?!string\b)\w+[{(])\s*(?=[A-Za-z][\w-]*\s*=)", re.IGNORECASE)
_KEY = re.compile(r"\s*@\s*\w+\s*[{(]\s*([^,\s{}()=]+)\s*(?:,|\Z)")
_MALFORMED = "not valid BibTeX: the entry is malformed or cut off"
_SHOWN = 200
_NO_COMMA = "not valid BibTeX: a comma is missing before"
_OUTSIDE = "text outside of an entry, which may be the rest of one"
_FIELD = re.compile(r"^\s*@?[A-Za-z][\w-]*\s*=\s*[{\"]", re.MULTILINE)
"""The rest of an entry, before the first whole one; other text there says where the export is from."""
# Not EndNote's "%0 Book".
_COMMENT_LINE = re.compile(r"\s*(?:[%#;*=-](?!0 \w)|//|[\W\d_]*\Z)")
# "Last, Jr., First", or biblatex's "family=Last, given=First, prefix=von".
_ONE_OF_BIBTEX = re.compile(
    r"[^,]*,\s*(?:jr|sr|i{1,3}|iv|v|ph\.?d)\.?\s*,[^,]*|.*\b(?:family|given)\s*=.*", re.IGNORECASE
)
_FIRST_AND = re.compile(r"\A(?:and\s+)+", re.IGNORECASE)
_ONE_GROUP = re.compile(r"\{[^{}]*\}")


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
    macros = Macros()
    begun = False
    for first_line, block in _blocks(stream):
        if block is None:
            yield Problem(first_line, None, TOO_LONG)
            continue
        if block.count(b"=") + block.count(b"{") > MAX_PARTS:
            yield Problem(first_line, _key(block[:_SHOWN].decode(errors="replace")), TOO_MANY)
            continue
        try:
            text = block.decode()
        except UnicodeDecodeError:
            yield Problem(first_line, _key(block.decode(errors="replace")), stream.undecodable)
            continue
        # Only the structure is looked at: the library's middlewares drop an entry for one malformed name, and
        # resolve no concatenations.
        reported = False
        for found in bibtexparser.splitter.Splitter(_NO_KEY.sub(r"\1,", _BEGIN.sub(r"@\1", text))).split().blocks:
            line = first_line + (found.start_line or 0)
            entry = getattr(found, "ignore_error_block", None) or found
            try:
                if isinstance(entry, model.String):
                    macros.define(entry.key, entry.value)
                elif isinstance(entry, model.Entry):
                    begun = True
                    yield _raw(line, entry, macros)
                elif isinstance(found, model.ParsingFailedBlock):
                    reported = True
                    yield Problem(line, _key(found.raw or ""), _MALFORMED)
                elif (
                    isinstance(found, model.ImplicitComment)
                    and not reported
                    and (begun or _FIELD.search(found.comment))
                    and (outside := _outside(found.comment))
                ):
                    yield Problem(line, None, f"{_OUTSIDE}: {outside!r}")
            except OverflowError as error:
                yield Problem(line, entry.key or None, str(error))
            except ValueError as error:
                yield Problem(line, entry.key or None, f"{_NO_COMMA} {str(error)[:40]!r}")


def _outside(comment: str) -> str:
    """Return what stands between entries and is no comment."""
    lines = [line.strip() for line in comment.splitlines() if not _COMMENT_LINE.match(line)]
    return lines[0][:40] if lines else ""


def _blocks(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Yield line and text of each block, with whatever follows it up to the next one; None for one that is too long."""
    first_line, lines, size = 1, list[bytes](), 0
    for number, line in stream.lines():
        if line is None or _BLOCK.match(line):
            if lines:
                yield first_line, b"\n".join(lines) if size <= MAX_RECORD else None
            first_line, lines, size = number, [], 0
        if line is None:
            yield number, None
        else:
            size += len(line) + 1
            if size <= MAX_RECORD:
                lines.append(line)
    if lines:
        yield first_line, b"\n".join(lines) if size <= MAX_RECORD else None


def _raw(line: int, entry: Any, macros: Macros) -> RawEntry:
    fields: dict[str, str] = {}
    titles: list[str] = []
    size = 0
    for field in entry.fields:
        for name, value in macros.values(field.key, field.value) if isinstance(field.value, str) else ():
            size += len(value)
            if size > MAX_RECORD:
                raise OverflowError(f"its macros expand it: {TOO_LONG}")
            if name == "title" and name in fields:
                titles.append(value)
            elif name in _REPEATED and name in fields:
                fields[name] += _REPEATED[name] + value
            else:
                fields.setdefault(name, value)
    return RawEntry(line, entry.entry_type, entry.key, fields, titles)


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
    metadata["other_titles"] = entry.other_titles
    metadata |= {name: bibtex_text(raw[name]) for name in _KEPT_FIELDS if raw.get(name)}
    key = None if is_local(entry.key) and doi(metadata["doi"]) else entry.key or None
    return Entry(entry.line, key, titled(raw.get("title"), raw.get("subtitle")), raw.get("abstract"), metadata)


def _authors(field: str) -> list[str]:
    """Return the people of "Last, First and {A Group}"; the library knows braces, other names are turned here."""
    check_length("author", field, MAX_LIST)
    library = require("bibtexparser.middlewares.names", "bibtexparser", "readers")
    field = _FIRST_AND.sub("", tidy(field))
    try:
        people = library.split_multiple_persons_names(field)
    except (ValueError, IndexError):
        people = field.split(" and ")
    return [name for person in people for name in _people(person)]


def _people(person: str) -> list[str]:
    """Return one person, or those between whom somebody wrote commas instead of "and"."""
    text = bibtex_text(person)
    if _ONE_GROUP.fullmatch(person):
        return [text]
    return names(text) if text.count(",") > 1 and not _ONE_OF_BIBTEX.fullmatch(text) else [first_name_first(text)]


def _key(block: str) -> str | None:
    key = _KEY.match(block)
    return key[1] if key else None


BIBTEX = Format("bibtex", at_sign(_CONTENT), (".bib", ".bibtex"), _read, plain_text=bibtex_text)
