"""CSV and TSV with a header.

Source: RFC 4180, read by Python's csv module.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from specter2_plugins.readers.fields import FieldNames, field_map
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD, MAX_TEXT, TOO_LONG, TOO_MANY
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tables import Table

_DELIMITERS = ",\t;|"
_FIRST_LINES = 8
_MOST_CHARACTERS = 2 * MAX_TEXT
"""Characters of a field."""
_TOO_LONG_FIELD = "x" * (_MOST_CHARACTERS + 1)


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    lines = _Lines(stream)
    delimiter = _layout(stream.head)[0]
    rows = csv.reader(lines.of(delimiter), delimiter=delimiter, strict=True)
    table = Table(stream.name, fields)
    while True:
        line = rows.line_num + 1
        lines.size = 0
        try:
            with field_limit():
                row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            yield Problem(line, None, lines.refused or f"not valid CSV: {error}")
            lines.refused = ""
            continue
        if not row:
            continue
        if not _is_unicode(row):
            yield Problem(line, None, stream.undecodable)
        else:
            yield from table.row(line, row)
    yield from table.end()


@contextmanager
def field_limit() -> Iterator[None]:
    """Set Python's one limit for all its readers, which also bounds what a quote that is never closed swallows."""
    before = csv.field_size_limit(_MOST_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class _Lines:
    """Lines for the csv module, one of which it refuses where the row that it belongs to is too large."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.size = 0
        """Bytes of the row so far."""
        self.refused = ""
        """Why a row is refused."""

    def of(self, delimiter: str) -> Iterator[str]:
        """Yield lines; a byte that is not UTF-8 becomes a surrogate, so that its record can be named."""
        sign = delimiter.encode()
        for _, line in self._stream.lines():
            self.size += len(line or b"") + 1
            if line is None or self.size > MAX_RECORD:
                self.refused = TOO_LONG
            elif line.count(sign) > MAX_PARTS:
                self.refused = TOO_MANY
            yield _TOO_LONG_FIELD if line is None or self.refused else line.decode(errors="surrogateescape") + "\n"


def _is_unicode(row: list[str]) -> bool:
    text = "".join(row)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _layout(head: bytes) -> tuple[str, int | None]:
    """Return what separates most columns of the header, and where one of the first lines is a header, if one is.

    It names at least two columns, one of them a title or an abstract. Excel may say `sep=;` before it.
    """
    lines = head.lstrip().split(b"\n", _FIRST_LINES)[:_FIRST_LINES]
    position = len(head) - len(head.lstrip())
    for raw in lines:
        line = raw.decode(errors="replace")
        delimiter = max(_DELIMITERS, key=lambda delimiter: len(_split(line, delimiter)))
        columns = _split(line, delimiter)
        if len(columns) > 1 and field_map(columns).has_text:
            return delimiter, position
        position += len(raw) + 1
    first = lines[0].decode(errors="replace")
    return max(_DELIMITERS, key=lambda delimiter: len(_split(first, delimiter))), None


def _split(header: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in next(csv.reader([header], delimiter=delimiter), ()))
    except csv.Error:
        return ()


CSV = Format("csv", lambda head: _layout(head)[1], (".csv", ".tsv", ".tab"), _read, names_are_free=True)
