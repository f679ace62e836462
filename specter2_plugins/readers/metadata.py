"""Metadata under the same names and types for every format, because payload indexes and filters rely on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from specter2_plugins.printable import from_json
from specter2_plugins.readers.ids import doi
from specter2_plugins.readers.limits import MAX_LIST, check_length
from specter2_plugins.readers.people import names
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.tidy import tidy

_YEAR = re.compile(r"(?<!\d)(?:1[4-9]|20)\d\d(?!\d)")
_COMPACT_DATE = re.compile(r"((?:1[4-9]|20)\d\d)(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_NAME_KEYS = ("name", "display_name", "author", "category", "term", "literal", "subject", "tag", "value", "title")
_DATE_KEYS = ("date-parts", "year", "raw", "literal", "date", "dateTime", "date-time")
_ESCAPED = re.compile(r"\{\\([_%#&~$])\}|\\([_%#&~$])")
_NESTED = 4

Plain = Callable[[str], str]
"""Takes the markup out of a text."""


def year(value: Any, plain: Plain = str, depth: int = _NESTED) -> int | None:
    """Return the year of 1999, "1999.0", a date that starts or ends with it, or CSL's {"date-parts": [[1999]]}."""
    if isinstance(value, int | float):
        return int(value) if 1400 <= value < 2100 else None
    if isinstance(value, str):
        found = _YEAR.search(value)
        if found is None and (compact := _COMPACT_DATE.search(value)):
            return int(compact[1])
        return int(found.group()) if found else None
    if not depth:
        return None
    inner = (
        [value.get(key) for key in _DATE_KEYS]
        if isinstance(value, dict)
        else value[:3]
        if isinstance(value, list)
        else []
    )
    return next((date for part in inner if (date := year(part, plain, depth - 1))), None)


def text(value: Any, plain: Plain = str, depth: int = _NESTED) -> str | None:
    """Return a string, the name of an object such as {"name": "Nature"}, or the first of a list."""
    if isinstance(value, str):
        words = tidy(plain(value))
        return words if words and not is_placeholder(words) else None
    if not depth:
        return None
    inner = (
        [value.get(key) for key in _NAME_KEYS] if isinstance(value, dict) else value if isinstance(value, list) else []
    )
    return next((found for part in inner if part and (found := text(part, plain, depth - 1))), None)


def texts(value: Any, plain: Plain = str) -> list[str]:
    """Return the strings, or the names of the objects, of a list; the parts of a string between ; | or commas."""
    if isinstance(value, str):
        check_length("a list", value, MAX_LIST)
        if value[:1] == "[" and value[-1:] == "]" and (listed := _listed(value)) is not None:
            return texts(listed, plain)
        # Entities end with a semicolon.
        value = plain(value)
        return _unique(text(part) for part in value.split(next((mark for mark in ";|\n" if mark in value), ",")))
    return _unique(text(item, plain) for item in value) if isinstance(value, list | tuple) else []


def url(value: Any, plain: Plain = str) -> str | None:
    """Return an address, without the backslashes that LaTeX needs in it."""
    found = text(value)
    return found if found is None else _ESCAPED.sub(lambda mark: mark[1] or mark[2], found)


def canonical(metadata: dict[str, Any], plain: Plain = str) -> dict[str, Any]:
    """Return the same metadata with the shared names in their types; what is empty, or no such value, is left out.

    Args:
        metadata: Under names of ours, and others.
        plain: Takes the markup out of a text.

    Raises:
        PaperError: If a value is longer than it can be.
    """
    kept = {}
    for name, value in metadata.items():
        convert = _CONVERT.get(name)
        if convert is not None:
            value = convert(value, plain)
        elif isinstance(value, str) and is_placeholder(value):
            continue
        if value or value == 0:
            kept[name] = value
    return kept


_CONVERT: dict[str, Callable[[Any, Plain], Any]] = {
    "year": year,
    "venue": text,
    "authors": names,
    "fields": texts,
    "doi": lambda value, plain: doi(value if isinstance(value, str) else text(value)),
    "url": url,
    "keywords": texts,
    "type": text,
    "other_titles": lambda value, plain: _unique(text(title, plain) for title in value),
}

SHARED = frozenset(_CONVERT)
"""Names that mean the same in every format."""


def _listed(value: str) -> list[Any] | None:
    for candidate in (value, value.replace("'", '"')):
        try:
            found = from_json(candidate)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, list) else None
    return None


def _unique(values: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]
