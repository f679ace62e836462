"""Formats of tagged lines: a record is lines of a tag and its value, until its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specter2_plugins.readers.fields import FieldNames
from specter2_plugins.readers.format import Format, at_sign
from specter2_plugins.readers.ids import doi, is_local
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD, TOO_LONG, TOO_MANY
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream

_COPYRIGHT = re.compile(
    r"\s*(?:copyright of .* is the property of|copyright\b|©|\(c\)\s*(?:copyright|\d{4}))", re.IGNORECASE
)
_NO_TEXT = re.compile(rb"[\W\d_]*\Z")
# Before the first record a line may say where the export is from; a record of another format it may not.
_RECORD_LIKE = re.compile(rb"@\w+\s*[{(]|%[0A-Z] |[{}<]|\b[A-Z][A-Z0-9] .*\b[A-Z][A-Z0-9] ")
_SHOWN = 40

Tags = tuple[str, ...]


@dataclass(frozen=True)
class Dialect:
    """A format of tagged lines.

    Args:
        name: What the user calls it.
        sign: Found in a file of this format.
        extensions: As of a `Format`.
        line: A line with a tag, and the value that follows it.
        begins: Tags that begin a record.
        ends: Tags that end one; without any, an empty line does.
        around: Tags of lines around the records.
        ids: Tags of identifiers, best first.
        local: Those of them that are none where they are small numbers.
        title: Tags of titles, best first; so are the next ones.
        abstract: All values of the first tag that has some.
        year: A date may be there too.
        venue: A journal or book.
        authors: All values, in their order in the record.
        fallback: Tags of authors where there are no others.
        dois: A DOI may be part of the value.
        fields: All values.
        keywords: All values.
        url: An address.
        type: A type.
        kept: Other names of metadata.
        separator: Where one line holds several keywords.
        name: Turns an author of a fallback tag round.
    """

    name: str
    sign: re.Pattern[bytes]
    extensions: tuple[str, ...]
    line: re.Pattern[bytes]
    begins: frozenset[bytes]
    ends: frozenset[bytes]
    title: Tags
    abstract: Tags
    year: Tags
    venue: Tags
    authors: Tags
    dois: Tags
    keywords: Tags
    ids: Tags = ()
    local: frozenset[str] = frozenset()
    around: frozenset[bytes] = frozenset()
    fallback: Tags = ()
    fields: Tags = ()
    url: Tags = ()
    type: Tags = ()
    kept: Mapping[str, Tags] = None  # type: ignore[assignment]
    separator: str = ";"
    turn: Callable[[str], str] = str
    line_is_value: frozenset[str] = frozenset()
    cut: str = ""

    def format(self) -> Format:
        """Return it as one of the formats."""
        return Format(self.name, at_sign(self.sign), self.extensions, self.read)

    def read(self, stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
        """Read every record, and name what lies between them."""
        begun = False
        for record in _records(stream, self):
            if record.outside:
                text = b" ".join(value for _, value in record.lines)
                if (begun or _RECORD_LIKE.search(text)) and _NO_TEXT.match(text) is None:
                    shown = text.decode(errors="replace").strip()[:_SHOWN]
                    yield Problem(record.line, None, f"no part of a reference: {shown!r}")
                continue
            begun = True
            if record.too_large:
                yield Problem(record.line, None, record.too_large)
            elif not record.ended:
                yield Problem(record.line, None, self.cut)
            else:
                try:
                    values = [(tag.decode(), value.decode()) for tag, value in record.lines]
                except UnicodeDecodeError:
                    yield Problem(record.line, None, stream.undecodable)
                    continue
                yield self._entry(record.line, values)

    def _entry(self, line: int, lines: list[tuple[str, str]]) -> Entry:
        record: dict[str, list[str]] = {}
        for tag, value in lines:
            if (value := value.strip()) and not is_placeholder(value):
                record.setdefault(tag, []).append(value)

        def first(tags: Tags) -> str | None:
            return next((record[tag][0] for tag in tags if tag in record), None)

        def every(tags: Tags) -> list[str]:
            return [value for tag, value in lines if tag in tags and value.strip()]

        name = next((found for tag in self.dois for value in record.get(tag, ()) if (found := doi(value))), None)
        ids = [(tag, value) for tag in self.ids for value in record.get(tag, ())[:1]]
        identifier = next((value for tag, value in ids if tag not in self.local or not is_local(value)), None)
        # A number that may be local is better than nothing only where it is a data base's.
        numbers = [value for tag, value in ids if tag not in _RECORD_NUMBERS]
        identifier = identifier or name or next(iter(numbers), None)
        authors = every(self.authors) or [self.turn(author) for author in every(self.fallback)]
        metadata: dict[str, Any] = {
            "type": first(self.type),
            "year": next((value for tag in self.year for value in record.get(tag, ()) if year(value)), None),
            "venue": first(self.venue),
            "authors": authors,
            "fields": every(self.fields),
            "keywords": [part for value in every(self.keywords) for part in value.split(self.separator)],
            "doi": name,
            "url": first(self.url),
            **{kept: first(tags) for kept, tags in (self.kept or {}).items()},
        }
        titles = next((record[tag] for tag in self.title if tag in record), [])
        metadata["other_titles"] = titles[1:]
        abstract = next((record[tag] for tag in self.abstract if tag in record), [])
        parts = [part for part in dict.fromkeys(abstract) if not _COPYRIGHT.match(part)]
        return Entry(line, identifier, next(iter(titles), None), " ".join(parts) or None, metadata)


_RECORD_NUMBERS = frozenset({"ID", "LB", "F", "L", "SR"})


@dataclass
class _Record:
    line: int
    lines: list[tuple[bytes, bytes]]
    outside: bool = False
    size: int = 0
    ended: bool = False
    tag: bytes = b""
    """The latest, to which a line without one belongs."""

    @property
    def too_large(self) -> str:
        """Why it is refused, if it is."""
        return TOO_LONG if self.size > MAX_RECORD else TOO_MANY if len(self.lines) >= MAX_PARTS else ""

    def add(self, tag: bytes, value: bytes) -> None:
        self.size += len(value) + len(tag)
        self.tag = tag or self.tag
        if not self.too_large:
            self.lines.append((tag, value))

    def go_on(self, value: bytes, as_value: bool) -> None:
        """Add a line without a tag to the value before it, or as another value of the same tag."""
        self.add(self.tag, value) if as_value or not self.lines else self._append(value)

    def _append(self, value: bytes) -> None:
        self.size += len(value)
        if not self.too_large:
            # Joined once, at the end: an abstract may have many lines.
            self.lines.append((b"", value))

    def joined(self) -> _Record:
        whole: list[tuple[bytes, list[bytes]]] = []
        for tag, value in self.lines:
            if tag or not whole:
                whole.append((tag, [value]))
            else:
                whole[-1][1].append(value)
        self.lines = [(tag, b" ".join(values)) for tag, values in whole]
        return self


def _records(stream: Stream, dialect: Dialect) -> Iterator[_Record]:
    """Yield each record, and each run of lines that belongs to none."""
    open_: _Record | None = None
    for number, line in stream.lines():
        if line is None:
            open_ = open_ or _Record(number, [])
            open_.size += MAX_RECORD + 1
            continue
        found = dialect.line.match(line)
        tag = found[1] if found else None
        if tag is not None and tag in dialect.around:
            continue
        is_blank = not line.strip()
        if open_ is not None and not open_.outside:
            if tag in dialect.begins or (is_blank and not dialect.ends):
                open_.ended = not dialect.ends
                yield open_.joined()
                open_ = None
        elif tag is not None and open_ is not None:
            yield open_.joined()
            open_ = None
        if found is not None and tag is not None:
            if tag in dialect.ends:
                if open_ is not None:
                    open_.ended = True
                    yield open_.joined()
                    open_ = None
                continue
            open_ = open_ or _Record(number, [])
            open_.add(tag, found[2] or b"")
        elif not is_blank:
            open_ = open_ or _Record(number, [], outside=True)
            open_.go_on(line.strip(), open_.tag.decode(errors="replace") in dialect.line_is_value)
    if open_ is not None:
        open_.ended = not dialect.ends
        yield open_.joined()
