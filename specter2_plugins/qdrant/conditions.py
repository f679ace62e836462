"""A single test of a filter -> Qdrant's condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from qdrant_client import models

from specter2_plugins.papers.payloads import CONTENT_KEY, METADATA_KEY
from specter2_plugins.qdrant.dates import Period, partial_dates
from specter2_plugins.readers.ids import identifier

TEXTS = frozenset({"id", "title", "venue", "authors", "fields", "doi", "url", "keywords", "type"})
"""Fields that the readers fill with text."""
NUMBERS = frozenset({"year"})
"""Fields that they fill with numbers."""
WHOLE_TEXT = "text"
"""What filters call title and abstract together."""

BOUNDS = {"=": ("gte", "lte"), "<": ("lt",), "<=": ("lte",), ">": ("gt",), ">=": ("gte",)}
"""The sides of a range that an operator bounds."""

_BEGINNING = datetime(1, 1, 1, tzinfo=timezone.utc)
_DOIS = frozenset({"id", "doi"})
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_LIST = "[]"

Value = str | bool | float | Period


@dataclass(frozen=True)
class Field:
    """A field that a test names.

    Args:
        steps: The names that lead to it, `[]` at the end of those of lists.
    """

    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the filter calls it."""
        return ".".join(self.steps)

    @property
    def key(self) -> str:
        """Its path in a payload."""
        if self.steps == (WHOLE_TEXT,):
            return CONTENT_KEY
        return ".".join([METADATA_KEY, *map(_quoted, self.steps)])


def _quoted(step: str) -> str:
    name, in_list = (step.removesuffix(_LIST), _LIST) if step.endswith(_LIST) else (step, "")
    return name + in_list if _PLAIN.fullmatch(name) else f'"{name}"{in_list}'


def is_empty(field: Field) -> models.Condition:
    """Return the condition that a paper has no value in a field."""
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=field.key))


def has_words(field: Field, words: Sequence[str]) -> models.Condition:
    """Return the condition that all of some words are in a field."""
    # One condition a word: with a text index Qdrant looks for the words in all of a field's values together, without
    # one in each.
    return models.Filter(
        must=[models.FieldCondition(key=field.key, match=models.MatchText(text=word)) for word in words]
    )


def one_of(field: Field, values: Sequence[Value]) -> models.Condition:
    """Return the condition that a field has one of some values."""
    if len(values) == 1:
        return compare("=", field, values[0])
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        return models.Filter(should=[compare("=", field, value) for value in values])
    spelled = [spelling for text in texts for spelling in _spellings(field, text)]
    return models.FieldCondition(key=field.key, match=models.MatchAny(any=list(dict.fromkeys(spelled))))


def compare(sign: str, field: Field, value: Value) -> models.Condition:
    """Return the condition that a field compares with a value as one of `BOUNDS` says; text and truth by `=` alone."""
    if isinstance(value, Period):
        return _within(sign, field, value)
    if isinstance(value, str):
        spelled = _spellings(field, value)
        match = models.MatchAny(any=spelled) if len(spelled) > 1 else models.MatchValue(value=value)
        return models.FieldCondition(key=field.key, match=match)
    if isinstance(value, bool):
        return models.FieldCondition(key=field.key, match=models.MatchValue(value=value))
    return models.FieldCondition(key=field.key, range=models.Range(**dict.fromkeys(BOUNDS[sign], value)))


def _within(sign: str, field: Field, period: Period) -> models.Condition:
    """Return a comparison with a date, whatever precision the dates of the papers have: by days, by months, by years.

    Qdrant knows a moment or a day as a date. A month or a year is text to it, or a number, so these are listed.
    """
    first, last = period.first, period.last
    moments = {"lt": first, "gte": first, "lte": last, "gt": last}
    years = {"lt": first.year, "gte": first.year, "lte": last.year, "gt": last.year}
    sides = BOUNDS[sign]
    conditions: list[models.Condition] = [
        models.FieldCondition(key=field.key, range=models.DatetimeRange(**{side: moments[side] for side in sides})),
        # An index of dates takes the number of a year for microseconds since 1970.
        models.Filter(
            must=[models.FieldCondition(key=field.key, range=models.Range(**{side: years[side] for side in sides}))],
            must_not=[models.FieldCondition(key=field.key, range=models.DatetimeRange(gte=_BEGINNING))],
        ),
    ]
    listed = partial_dates(sign, period)
    for values in (listed, [int(year) for year in listed if year.isdigit()]):
        if values:
            conditions.append(models.FieldCondition(key=field.key, match=models.MatchAny(any=values)))
    return models.Filter(should=conditions)


def _spellings(field: Field, text: str) -> list[str]:
    """Return how a value may be spelled: DOIs are stored in lower case, and as given by others than the readers."""
    if field.name not in _DOIS:
        return [text]
    name = identifier(text)
    return list(dict.fromkeys([text, name, name.lower(), name.upper()] if name and name.startswith("10.") else [text]))
