"""Values as programs hand them over: which of them mean "not there", and the others in JSON's own types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, pandas' NA and NaT, and text without a character to see.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), " ", 0, [], "NA")]
        [True, True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, bool | int | Mapping | list | tuple) or getattr(value, "shape", None):
        return False
    try:
        return bool(value != value)  # NaN and NaT alone are no equals of themselves
    except TypeError:  # pandas' NA says neither yes nor no
        return type(value).__name__ == "NAType"


def to_plain(value: Any) -> Any:
    """Return a value in JSON's own types, where it has such a form; any other as it is.

    NumPy's numbers and arrays, dates and times (ISO 8601), UUIDs, and what lies in lists and mappings.

    Example:
        >>> from datetime import date
        >>> to_plain({"published": date(2020, 5, 1), "authors": ("A", "B")})
        {'published': '2020-05-01', 'authors': ['A', 'B']}
    """
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # NumPy's; before Python's own, for np.float64 is a float
        return to_plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: to_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def to_record(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what a dict or a row of a pandas table holds, in JSON's own types, with None for what is missing."""
    keys = row.keys()  # a pandas row itself yields its values
    return {key: None if is_missing(value := row[key]) else to_plain(value) for key in keys}


def is_row(value: Any) -> bool:
    """Return whether something is a dict or, as pandas' Series, has keys and the values of them."""
    return isinstance(value, Mapping) or (
        callable(getattr(value, "keys", None)) and hasattr(value, "__getitem__") and getattr(value, "ndim", 0) == 1
    )
