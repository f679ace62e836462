"""CSV and TSV with a header.

Source: RFC 4180, read by Python's csv module.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames, check_columns, plan_for
from specter2_plugins.readers.records import MAX_TEXT, Entry, Problem
from specter2_plugins.readers.stream import Stream

_DELIMITERS = ",\t;|"


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    # Python has one limit for all readers. It also bounds what a quote that is never closed swallows.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_TEXT))
    rows = csv.reader(_text(stream), delimiter=_delimiter(stream.head), strict=True)
    header: tuple[str, ...] = ()
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, None, f"not valid CSV: {error}")
            continue
        if not header:
            header = tuple(name.strip() for name in row)
            check_columns(stream.name, header, fields)
            plan = plan_for(header, fields)
        elif len(row) != len(header):
            if row:
                yield Problem(line, None, f"expected {len(header)} columns as in the header, got {len(row)}")
        elif not _is_unicode(row):
            yield Problem(line, None, stream.undecodable)
        else:
            yield plan.entry(line, dict(zip(header, row, strict=True)))


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


def _delimiter(head: bytes) -> str:
    """What separates most columns of the header."""
    header = head.lstrip().partition(b"\n")[0].decode(errors="replace")
    return max(_DELIMITERS, key=lambda delimiter: len(_split(header, delimiter)))


def _split(header: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in next(csv.reader([header], delimiter=delimiter), ()))
    except csv.Error:
        return ()


def _has_header(head: bytes) -> bool:
    """Whether the first line names at least two columns, one of them a title or an abstract."""
    line = head.lstrip().partition(b"\n")[0].decode(errors="replace")
    columns = _split(line, _delimiter(head))
    return len(columns) > 1 and plan_for(columns).has_text


CSV = Format("csv", _has_header, (".csv", ".tsv", ".tab"), _read, names_are_free=True)
