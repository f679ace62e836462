"""Metadata under the same names and types for every format, because payload indexes and filters rely on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from specter2_plugins.readers.tidy import tidy

_YEAR = re.compile(r"(?<!\d)(?:1[4-9]|20)\d\d(?!\d)")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_NAME_KEYS = ("name", "display_name", "author", "category", "term", "literal")


def year(value: Any) -> int | None:
    """The year of 1999, 1999.0, "1999" or a date that starts or ends with it."""
    if isinstance(value, int | float):
        return int(value) if 1400 <= value < 2100 else None
    found = _YEAR.search(value) if isinstance(value, str) else None
    return int(found.group()) if found else None


def doi(value: Any) -> str | None:
    """The bare DOI in lower case, of a DOI or a URL that holds one."""
    found = _DOI.search(value) if isinstance(value, str) else None
    return found.group().lower() if found else None


def text(value: Any) -> str | None:
    """A string, or the name of an object such as {"name": "Nature"}."""
    if isinstance(value, str):
        return tidy(value) or None
    named = next((value[key] for key in _NAME_KEYS if value.get(key)), None) if isinstance(value, dict) else None
    return text(named) if isinstance(named, str) else None


def texts(value: Any) -> list[str]:
    """The strings, or the names of the objects, of a list; the parts of a string between semicolons or commas."""
    if isinstance(value, str):
        return texts(value.split(";" if ";" in value else ","))
    return _unique(map(text, value)) if isinstance(value, list | tuple) else []


def names(value: Any) -> list[str]:
    """People's names, first name first.

    Args:
        value: A list of names, of objects with `name`, or of objects with `given` and `family`; or a string
            of names between semicolons, "and", or commas where each part is a whole name.
    """
    if isinstance(value, str):
        return names(_split_names(value))
    return _unique(map(_name, value)) if isinstance(value, list | tuple) else []


def canonical(metadata: dict[str, Any]) -> dict[str, Any]:
    """The same metadata with the shared names in their types; what is empty, or no such value, is left out."""
    kept = {}
    for name, value in metadata.items():
        convert = _CONVERT.get(name)
        if convert is not None:
            value = convert(value)
        if value or value == 0:
            kept[name] = value
    return kept


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "year": year,
    "venue": text,
    "authors": names,
    "fields": texts,
    "doi": doi,
    "url": text,
    "keywords": texts,
    "type": text,
}


def _split_names(value: str) -> list[str]:
    if ";" in value:
        return value.split(";")
    value = tidy(value)
    people = value.split(" and ")
    parts = value.split(",")
    # "Ada Lovelace, Alan Turing" is two people, "Lovelace, Ada" is one.
    if len(people) == 1 and len(parts) > 1 and all(" " in part.strip() for part in parts):
        return parts
    return people


def _name(value: Any) -> str | None:
    if isinstance(value, dict) and (value.get("family") or value.get("last")):
        first, last = value.get("given") or value.get("first"), value.get("family") or value.get("last")
        return text(f"{_joined(first)} {_joined(last)}")
    name = text(value)
    if name is None or "," not in name:
        return name
    last, _, first = name.partition(",")
    return text(f"{first} {last}")


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _unique(values: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]
