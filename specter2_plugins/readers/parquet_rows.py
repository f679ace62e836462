"""Rows of an Arrow table -> Python objects, once it is known how large these are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specter2_plugins.errors import one_line
from specter2_plugins.extras import require
from specter2_plugins.readers.limits import MAX_RECORD, TOO_LONG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NEEDED = ("title", "abstract", "id")
"""What a paper is not read without, even if other bytes of a row are a picture, say."""

_OBJECT = 16
"""Bytes that anything takes, for the limit of a record."""


def rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Yield each row of a batch, or why it is refused."""
    numpy = require("numpy", "numpy", "parquet")
    sizes = sum((_sizes(column) for column in batch.columns), start=numpy.zeros(batch.num_rows, numpy.int64))
    begin = 0
    while begin < batch.num_rows:
        size, end = int(sizes[begin]), begin + 1
        if size > MAX_RECORD:
            yield TOO_LONG
        else:
            while end < batch.num_rows and (size := size + int(sizes[end])) <= MAX_RECORD:
                end += 1
            yield from _objects(batch.slice(begin, end - begin))
        begin = end


def _sizes(array: Any) -> NDArray[np.int64]:
    """Return how large the Python object of each value will be, about."""
    numpy = require("numpy", "numpy", "parquet")
    pyarrow = require("pyarrow", "pyarrow", "parquet")
    compute = require("pyarrow.compute", "pyarrow", "parquet")
    kind, types = array.type, pyarrow.types
    own = numpy.full(len(array), _OBJECT, numpy.int64)
    if types.is_dictionary(kind):
        return own + _lengths(compute.binary_length(array.dictionary).take(array.indices))
    if types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind):
        return own + _lengths(compute.binary_length(array))
    if types.is_struct(kind):
        return sum((_sizes(part) for part in array.flatten()), start=own)
    if types.is_fixed_size_list(kind):
        return own + kind.list_size * _OBJECT
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        offsets = array.offsets.to_numpy(zero_copy_only=False)
        inner = _sizes(array.values[int(offsets[0]) : int(offsets[-1])])
        upto = numpy.concatenate([[0], numpy.cumsum(inner)])[offsets - offsets[0]]
        return own + numpy.diff(upto)
    return own


def _lengths(lengths: Any) -> NDArray[np.int64]:
    found: NDArray[np.int64] = lengths.fill_null(0).to_numpy(zero_copy_only=False)
    return found


def _objects(batch: Any) -> Iterator[dict[str, Any] | str]:
    if any("binary" in str(kind) for kind in batch.schema.types):
        yield from map(_with_texts, _plain_objects(batch))
    else:
        yield from _plain_objects(batch)


def _with_texts(row: dict[str, Any] | str) -> dict[str, Any] | str:
    """Return a row with texts for the bytes that older programs write them as; bytes that are none are left out."""
    if isinstance(row, str):
        return row
    try:
        return {name: _text(value, strictly=name.lower() in _NEEDED) for name, value in row.items()}
    except UnicodeDecodeError as error:
        return f"a text is not UTF-8: {error.reason} at byte {error.start}"


def _text(value: Any, strictly: bool) -> Any:
    if isinstance(value, list):
        return [_text(one, strictly) for one in value]
    if isinstance(value, dict):
        return {name: _text(one, strictly) for name, one in value.items()}
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        if strictly:
            raise
        return None


def _plain_objects(batch: Any) -> Iterator[dict[str, Any] | str]:
    try:
        yield from batch.to_pylist()
    except (OverflowError, ValueError):  # a date of the year 30000, or a text that is not UTF-8: which row has it?
        for number in range(batch.num_rows):
            yield _object(batch.slice(number, 1))


def _object(row: Any) -> dict[str, Any] | str:
    """Return a row in which dates that Python does not have are Arrow's word for them, or why it is refused."""
    pyarrow = require("pyarrow", "pyarrow", "parquet")
    found: dict[str, Any] = {}
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            found[name] = column[0].as_py()
        except (OverflowError, ValueError) as error:
            if not pyarrow.types.is_temporal(column.type):
                return f"{name} cannot be read: {one_line(error)}"
            found[name] = column.cast(pyarrow.string())[0].as_py()
    return found
