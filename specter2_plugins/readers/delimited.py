"""CSV and TSV with a header.

Source: RFC 4180, read by Python's csv module.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames, plan_for
from specter2_plugins.readers.records import MAX_TEXT, Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tables import Table

_DELIMITERS = ",\t;|"
_FIRST_LINES = 8


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    # Python has one limit for all readers. It also bounds what a quote that is never closed swallows.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_TEXT))
    rows = csv.reader(_text(stream), delimiter=_layout(stream.head)[0], strict=True)
    table = Table(stream.name, fields)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            yield Problem(line, None, f"not valid CSV: {error}")
            continue
        if not row:
            continue
        if not _is_unicode(row):
            yield Problem(line, None, stream.undecodable)
        else:
            yield from table.row(line, row)
    yield from table.end()


def _text(stream: Stream) -> Iterator[str]:
    """Lines; a byte that is not UTF-8 becomes a surrogate, so that its record can be named."""
    for _, line in stream.lines():
        # A line that is too long is handed on as one that the csv module refuses, with its own reason.
        yield line.decode(errors="surrogateescape") + "\n" if line is not None else "x" * (csv.field_size_limit() + 1)


def _is_unicode(row: list[str]) -> bool:
    text = "".join(row)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _layout(head: bytes) -> tuple[str, bool]:
    """What separates most columns of the header, and whether one of the first lines is a header.

    It names at least two columns, one of them a title or an abstract. Excel may say `sep=;` before it.
    """
    lines = head.lstrip().decode(errors="replace").splitlines()[:_FIRST_LINES]
    for line in lines:
        delimiter = max(_DELIMITERS, key=lambda delimiter: len(_split(line, delimiter)))
        columns = _split(line, delimiter)
        if len(columns) > 1 and plan_for(columns).has_text:
            return delimiter, True
    first = lines[0] if lines else ""
    return max(_DELIMITERS, key=lambda delimiter: len(_split(first, delimiter))), False


def _split(header: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in next(csv.reader([header], delimiter=delimiter), ()))
    except csv.Error:
        return ()


CSV = Format("csv", lambda head: _layout(head)[1], (".csv", ".tsv", ".tab"), _read, names_are_free=True)
