"""Parquet, in batches of rows.

Source: https://parquet.apache.org/docs/file-format/, read by pyarrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from specter2_plugins.errors import PaperError, one_line
from specter2_plugins.extras import require
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames, check_columns, plan_for
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream

_ROWS = 256


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    pyarrow = require("pyarrow", "pyarrow", "parquet")
    parquet = require("pyarrow.parquet", "pyarrow", "parquet")
    row = 0
    with stream.seekable() as file:
        try:
            table = parquet.ParquetFile(file)
            columns = [field.name for field in table.schema_arrow if not _is_vector(pyarrow, field.type)]
            check_columns(stream.name, tuple(columns), fields)
            for batch in table.iter_batches(batch_size=_ROWS, columns=columns):
                for record in batch.to_pylist():
                    row += 1
                    yield plan_for(tuple(record), fields).entry(
                        row, {key: _plain(item) for key, item in record.items()}
                    )
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            if row == 0:
                raise PaperError(f"cannot read {stream.name}: not valid Parquet: {one_line(error)}") from None
            yield Problem(row + 1, None, f"not valid Parquet from this row on: {one_line(error)}")


def _is_vector(pyarrow: Any, kind: Any) -> bool:
    """Whether a column holds embeddings, which would be most of the metadata."""
    types = pyarrow.types
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return is_list and types.is_floating(kind.value_type)


def _plain(value: Any) -> Any:
    """A value that JSON has."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


PARQUET = Format("parquet", lambda head: head.startswith(b"PAR1"), (".parquet",), _read, names_are_free=True)
