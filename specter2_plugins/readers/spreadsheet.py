"""XLSX, a row at a time, read by openpyxl."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any

from specter2_plugins.errors import PaperError, one_line
from specter2_plugins.extras import require
from specter2_plugins.readers.fields import FieldNames
from specter2_plugins.readers.format import Format, from_start
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.tables import Table

_MOST_EMPTY = 10_000
_CHUNK = 2**20
_MOST_SHARED = 256 * 2**20
"""Bytes of what all rows share: their texts, each once, and styles."""
_MOST_SHARED_TAGS = 6_000_000


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    openpyxl = require("openpyxl", "openpyxl", "readers")
    row_number = 0
    with stream.seekable() as file:
        try:
            _refuse_bombs(file)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            tables = 0
            for sheet in book.worksheets:
                table = Table(stream.name, fields)
                empty = row_number = 0
                for row in sheet.iter_rows(values_only=True):
                    row_number += 1
                    values = [_plain(value) for value in row]
                    if not any(values):
                        empty += 1
                        if empty > _MOST_EMPTY:  # a sheet may claim a million rows
                            break
                        continue
                    empty = 0
                    yield from table.row(row_number, values)
                yield from table.end(others=tables > 0)
                tables += table.has_header
        # openpyxl raises whatever its XML and zip readers do.
        except PaperError:
            raise
        except Exception as error:
            raise PaperError(
                f"cannot read {stream.name}: not a valid XLSX spreadsheet: {one_line(error)}. Save it as CSV"
            ) from None


def _refuse_bombs(file: IO[bytes]) -> None:
    """Look through a workbook for what openpyxl would make too many objects of.

    It keeps the shared texts and the styles as a whole, and a row until its end.

    Raises:
        ValueError: If there is such a thing.
    """
    with zipfile.ZipFile(file) as book:
        for member in book.infolist():
            is_sheet = member.filename.startswith("xl/worksheets/")
            size = elements = 0  # of what is kept at once
            with book.open(member) as part:
                while chunk := part.read(_CHUNK):
                    if is_sheet and (end := chunk.rfind(b"</row>")) >= 0:
                        size, elements, chunk = 0, 0, chunk[end:]
                    size, elements = size + len(chunk), elements + chunk.count(b"<")
                    if size > (MAX_RECORD if is_sheet else _MOST_SHARED) or elements > (
                        MAX_PARTS if is_sheet else _MOST_SHARED_TAGS
                    ):
                        what = "a row" if is_sheet else "what its rows share"
                        raise ValueError(f"{what} in {member.filename} is too large")
    file.seek(0)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


XLSX = Format(
    "xlsx",
    from_start(
        lambda head: (
            head.startswith(b"PK\x03\x04")
            and (b"xl/" in head or b"[Content_Types].xml" in head[:200])
            and b"word/" not in head
        )
    ),
    (".xlsx", ".xlsm"),
    _read,
    names_are_free=True,
)
