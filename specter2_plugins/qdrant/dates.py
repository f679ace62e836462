"""Dates of any precision: a year, a month, a day or a moment, each from its first microsecond to its last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,6})?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_YEARS = range(1600, 2101)
_MONTHS = range(1, 13)
_ONE = timedelta(microseconds=1)
_LENGTHS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "day": timedelta(days=1)}


@dataclass(frozen=True)
class Period:
    """A date.

    Args:
        first: Its first moment.
        last: Its last.
    """

    first: datetime
    last: datetime


def looks_like_a_date(text: str) -> bool:
    """Return whether a text is written as a date, be there such a day or not."""
    return _DATE.fullmatch(text) is not None


def period(text: str) -> Period:
    """Read a date such as 2023, 2023-06, 2023-06-30, 2023-06-30T12:00 or 2023-06-30T12:00:00+02:00; UTC without a zone.

    Raises:
        ValueError: If it is none, as February 30 is.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no date")
    given = {name: int(value) for name, value in found.groupdict().items() if value and value.isdigit()}
    year, month = given["year"], given.get("month", 1)
    zone = found["zone"] or "Z"
    start = datetime(
        year,
        month,
        given.get("day", 1),
        given.get("hour", 0),
        given.get("minute", 0),
        given.get("second", 0),
        round(float(found["fraction"] or 0) * 1e6),
        tzinfo=timezone.utc,
    )
    if "month" not in given:
        end = datetime(year, 12, 31, tzinfo=timezone.utc) + _LENGTHS["day"]
    elif "day" not in given:
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=timezone.utc)
    else:
        end = start + (_ONE if found["fraction"] else next(_LENGTHS[unit] for unit in _LENGTHS if unit in given))
    if zone.upper() != "Z":
        sign = -1 if zone[0] == "-" else 1
        shift = sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        start, end = start - shift, end - shift
    return Period(start, end - _ONE)


def partial_dates(sign: str, other: Period) -> list[str]:
    """Return the years and months, as text, that compare with a date as an operator says.

    Of two dates of different precision, one is after the other if it begins after the other's end, and equal to it if
    they overlap. Years from 1600 to 2100 are listed.

    Args:
        sign: One of = < <= > >=.
        other: The date.
    """
    listed = []
    for year in _YEARS:
        whole = period(f"{year}") if year in (other.first.year, other.last.year) else None
        if whole is None:
            # Wholly before or after: all of its months compare as the year does.
            if (year < other.first.year) == (sign in ("<", "<=")) and sign != "=":
                listed += [f"{year}", *(f"{year}-{month:02}" for month in _MONTHS)]
            continue
        for text in (f"{year}", *(f"{year}-{month:02}" for month in _MONTHS)):
            if _holds(sign, period(text), other):
                listed.append(text)
    return listed


def _holds(sign: str, one: Period, other: Period) -> bool:
    return {
        "=": one.first <= other.last and one.last >= other.first,
        "<": one.last < other.first,
        "<=": one.first <= other.last,
        ">": one.first > other.last,
        ">=": one.last >= other.first,
    }[sign]
