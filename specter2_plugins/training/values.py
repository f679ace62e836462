"""The values of a row, checked: what cannot be learned from is refused with its field and value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from specter2_plugins.errors import TrainingError

_SHOWN = 80
_MOST_FLOAT32 = (2 - 2**-23) * 2.0**127


@contextmanager
def faults_of(where: str, number: int) -> Iterator[None]:
    """Name the record that a fault is in.

    Args:
        where: The task and where its data lie.
        number: The record's, from 1.

    Raises:
        TrainingError: If the block raises a `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        raise TrainingError(f"{where}, record {number}: {error}") from None


def found(row: Mapping[str, Any], field: str) -> Any:
    """Return a field's value.

    Raises:
        ValueError: If the row has no such field; the message says what it has.
    """
    if field not in row:
        raise ValueError(f"has no {field!r}; it has: {', '.join(map(repr, row)) or 'nothing'}"[: 4 * _SHOWN])
    return row[field]


def number(field: str, value: Any) -> float:
    """Return a number, which text may spell, as files of comma-separated values have it.

    Raises:
        ValueError: If it is none, or is not finite in float32, in which labels are learned.
    """
    try:
        as_float = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        as_float = math.nan
    except OverflowError:
        as_float = math.inf
    if math.isnan(as_float):
        raise unexpected(field, value, "a number")
    if abs(as_float) > _MOST_FLOAT32:
        raise ValueError(f"{field!r} is {_shown(value)}, which float32 cannot hold")
    return as_float


def label(field: str, value: Any) -> str:
    """Return the name of a class.

    Raises:
        ValueError: If it is missing, blank, or neither a text nor a number.
    """
    if isinstance(value, str | int | float) and not (isinstance(value, float) and not math.isfinite(value)):
        name = text(field, str(value))
        if name.strip():
            return name
    raise unexpected(field, value, "one label")


def labels(field: str, value: Any) -> list[str]:
    """Return the names of a list of classes.

    Raises:
        ValueError: If it is no list, or one of its items is no label.
    """
    if not isinstance(value, list | tuple):
        raise unexpected(field, value, "a list of labels")
    return [label(field, item) for item in value]


def text(field: str, value: str) -> str:
    """Return a text.

    Raises:
        ValueError: If it holds half of a surrogate pair, as text of a broken decoding does.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{field!r} is {_shown(value)}, which holds half of a surrogate pair") from None
    return value


def part(field: str, value: Any) -> str | int | float | None:
    """Return a field of a paper; whole numbers lose their fraction: a column of years that lacks some holds 2018.0.

    Raises:
        ValueError: If it is neither a text nor a number nor null.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return text(field, value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    raise unexpected(field, value, "a text")


def items(field: str, value: Any) -> list[Any]:
    """Return a list.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(value, list | tuple):
        raise unexpected(field, value, "a list")
    return list(value)


def unexpected(field: str, value: Any, expected: str) -> ValueError:
    """Return the error that names a field, its value, and what was expected there."""
    return ValueError(f"{field!r} is {_shown(value)}, expected {expected}")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
