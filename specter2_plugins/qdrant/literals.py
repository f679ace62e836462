"""A value as a filter writes it -> what it means in its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from specter2_plugins.qdrant.conditions import NUMBERS, TEXTS, Field, Value
from specter2_plugins.qdrant.dates import looks_like_a_date, period

Kind = Literal["text", "number", "date", "truth"]
"""What a field is known to hold."""

_INDEXED: Mapping[str, Kind] = {"integer": "number", "float": "number", "datetime": "date", "bool": "truth"}
_TRUTHS = {"true": True, "false": False}
_YEARS = range(1000, 3000)
_AROUND = 40
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_TYPOGRAPHIC = tuple("“”„‟«»‘’‚‛")  # noqa: RUF001


def kind_of(field: Field, indexes: Mapping[str, str]) -> Kind | None:
    """Return what a field holds, as the readers or a payload index of the collection say; None if neither does."""
    if field.name in TEXTS:
        return "text"
    return "number" if field.name in NUMBERS else _INDEXED.get(indexes.get(field.key, ""))


def readings(field: Field, kind: Kind | None, text: str, *, bare: bool) -> list[Value]:
    """Return what a value may mean, the first alone where it is put in an order.

    A number, a date or a truth in a field of which nothing is known may be stored as text, as BibTeX stores volumes.

    Args:
        field: The field.
        kind: What it holds.
        text: The value, without its quotes.
        bare: Whether it had none, or is put in an order, which text has none.

    Raises:
        ValueError: If the field cannot hold it; the message says why.
    """
    if bare and text.startswith(_TYPOGRAPHIC):
        raise ValueError(f"{text[0]} is no quote here, expected \" or '")
    if bare and text.lower() == "null":
        raise ValueError(f"{text} is no value, expected: {field.name} missing; in quotes it is text")
    if kind == "number":
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{field.name} is a number, found {quoted(text)}")
        return [float(text)]
    if kind == "date":
        if not looks_like_a_date(text):
            raise ValueError(f"{field.name} is a date such as 2023, 2023-06 or 2023-06-30, found {quoted(text)}")
        return [_date(text)]
    if kind == "truth":
        if text.lower() not in _TRUTHS:
            raise ValueError(f"{field.name} is true or false, found {quoted(text)}")
        return [_TRUTHS[text.lower()]]
    if kind == "text" or not bare:
        return [text]
    if text.lower() in _TRUTHS:
        return [_TRUTHS[text.lower()], text]
    if _NUMBER.fullmatch(text) and not (looks_like_a_date(text) and int(text) in _YEARS):
        return [float(text), text]
    return [_date(text), text] if looks_like_a_date(text) else [text]


def quoted(value: object) -> str:
    """Return a value for a message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= _AROUND else f"{text[:_AROUND]}...{text[-1]}"


def _date(text: str) -> Value:
    try:
        return period(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text} is no date; in quotes it is text") from None
