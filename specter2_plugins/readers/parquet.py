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
from specter2_plugins.readers.fields import FieldNames, check_columns, field_map
from specter2_plugins.readers.format import Format, from_start
from specter2_plugins.readers.parquet_rows import rows
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream

_ROWS = 256
# As for compressed files: papers do not compress so, and what is large and does is a bomb.
_BOMB_RATIO, _BOMB_BYTES = 200, 256 * 2**20
# Values of a column in a group of rows, and for each row: lists of people or references are shorter.
_MOST_VALUES, _MOST_IN_A_ROW = 20_000_000, 100


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    pyarrow = require("pyarrow", "pyarrow", "parquet")
    parquet = require("pyarrow.parquet", "pyarrow", "parquet")
    row = 0
    with stream.seekable() as file:
        try:
            # What stands once in a file, and is named by many rows, is one object until its size is known.
            texts = _texts(parquet.ParquetFile(file).schema)
            table = parquet.ParquetFile(file, read_dictionary=texts)
            columns = [field.name for field in table.schema_arrow if not _is_vector(pyarrow, field.type)]
            check_columns(stream.name, tuple(columns), fields)
            _refuse_bombs(stream.name, table.metadata, columns)
            for batch in table.iter_batches(batch_size=_ROWS, columns=columns):
                for record in rows(batch):
                    row += 1
                    if isinstance(record, str):
                        yield Problem(row, None, record)
                    else:
                        yield field_map(tuple(record), fields).entry(
                            row, {key: _plain(item) for key, item in record.items()}
                        )
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            if row == 0:
                raise PaperError(f"cannot read {stream.name}: not valid Parquet: {one_line(error)}") from None
            yield Problem(row + 1, None, f"not valid Parquet from this row on: {one_line(error)}")


def _texts(schema: Any) -> list[str]:
    columns = [schema.column(number) for number in range(len(schema))]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _refuse_bombs(source: str, metadata: Any, columns: list[str]) -> None:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for chunk in map(group.column, range(group.num_columns)):
            name = chunk.path_in_schema
            if name.partition(".")[0] not in columns and name not in columns:
                continue
            size = chunk.total_uncompressed_size
            if size > _BOMB_BYTES and size > _BOMB_RATIO * chunk.total_compressed_size:
                raise PaperError(
                    f"{source}: its column {name} holds more than {_BOMB_RATIO} times its size, which papers do not"
                )
            if chunk.num_values > _MOST_VALUES + _MOST_IN_A_ROW * group.num_rows:
                raise PaperError(
                    f"{source}: its column {name} holds {chunk.num_values:,} values in {group.num_rows:,} rows; "
                    "write the file without that column"
                )


def _is_vector(pyarrow: Any, kind: Any) -> bool:
    """Return whether a column holds embeddings, which would be most of the metadata."""
    types = pyarrow.types
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return is_list and types.is_floating(kind.value_type)


def _plain(value: Any) -> Any:
    """Return a value that JSON has."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


PARQUET = Format(
    "parquet", from_start(lambda head: head.startswith(b"PAR1")), (".parquet",), _read, names_are_free=True
)
