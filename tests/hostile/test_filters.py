"""Filters that are made to be slow, long or deep: one line, and few steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

pytest.importorskip("qdrant_client")

from specter2_plugins.errors import FilterError
from specter2_plugins.qdrant.filters import parse_filter

LONGEST_LINE = 300
LONGEST_FILTER = 4096


def steps(call: Callable[[], object]) -> int:
    """How many calls of Python and lines of the parser a call makes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace if frame.f_code.co_filename.endswith("filters.py") else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("part", ["a=1 or ", "a=1 and ", "a in (1,2) or ", 'a="\\x" or ', "year=1 or           "])
def test_twice_the_filter_is_twice_the_work(part: str) -> None:
    once, twice = (steps(lambda n=n: parse_filter(part * n + "a=1")) for n in (100, 200))  # type: ignore[misc]
    assert twice < 2.5 * once


@pytest.mark.parametrize(
    "text",
    [
        "a=1 or " * 160_000,
        "(" * 4000,
        "(" * 200 + "a=1" + ")" * 200,
        "not " * 1000 + "a=1",
        "a=1" + ")" * 4000,
        'a="' + "x" * 4000,
        "x" * 4096,
        "year=" + "9" * 4000,
        "year=1e" + "9" * 4000,
        "year in (" + "x" * 4000 + ")",
        "year = " + '"' + "x" * 4000 + '"',
        "day < " + "x" * 4000,
        "day < " + '"' + "x" * 4000 + '"',
        "x" * 2000 + " > y",
        "x" * 2000,
        "year ~ " + "x" * 4000,
        "a ~ " + '"' + "-" * 4000 + '"',
        "a" * 3000 + " not b",
        "a" * 3000 + " = )",
        "a = \ud800",
        "\udfff",
        "a=1 or " * 100 + "\udc80",
        "a=\x1b[2J\x1b",
        "\x00",
        "\x00" * 4000,
        "=" * 4000,
        "\n" * 4000,
        "\u202e" * 4000,
        "",
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_one_short_line(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        said = str(error)
        assert said.encode()
        assert "\n" not in said
        assert len(said) <= LONGEST_LINE
    else:  # only what holds a harmless word may pass
        assert text == "a=\x1b[2J\x1b"


def test_the_place_is_marked() -> None:
    with pytest.raises(FilterError, match=r">>>\) or a=1"):
        parse_filter("a=1 or " * 50 + "a=) or a=1" + " or a=1" * 50)


def test_the_longest_filter_is_read_and_one_more_is_not() -> None:
    text = "a=1 or " * 300
    padded = text + " " * (LONGEST_FILTER - len(text) - 3) + "a=1"
    parse_filter(padded)
    with pytest.raises(FilterError, match=r"^the filter has 4,097 characters, more than 4,096$"):
        parse_filter(padded + " ")


def test_a_hundred_nested_tests_are_too_deep_and_ten_are_not() -> None:
    parse_filter("(" * 10 + "a=1" + ")" * 10)
    with pytest.raises(FilterError, match="nested more than 50 deep"):
        parse_filter("(" * 100 + "a=1" + ")" * 100)
