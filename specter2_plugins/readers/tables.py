"""Rows of a table -> records, once its header is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.fields import FieldMap, FieldNames, check_columns, field_map, no_text
from specter2_plugins.readers.records import Entry, Problem

_MOST_PREAMBLE = 20
_SHOWN_COLUMNS, _SHOWN_CHARACTERS = 8, 40


class Table:
    """A table whose header may stand below some lines about the export, as Dimensions and others write them.

    Args:
        source: What it is called in messages.
        fields: What the user named.
    """

    def __init__(self, source: str, fields: FieldNames) -> None:
        self._source, self._fields = source, fields
        self._header: tuple[str, ...] = ()
        self._plan: FieldMap | None = None
        self._before: list[tuple[int, tuple[str, ...]]] = []
        self._filled: list[int] = []

    @property
    def has_header(self) -> bool:
        """Whether the header was found."""
        return self._plan is not None

    def row(self, line: int, values: Sequence[str]) -> Iterator[Entry | Problem]:
        """Take a row; until the header has come, it may be that."""
        if self._plan is None:
            columns = unique(values)
            if self._before and len(self._before) >= _MOST_PREAMBLE:
                self._refuse()
            if self._has_no_header(columns):
                self._header = tuple(str(number) for number in range(1, len(columns) + 1))
                self._plan = field_map(self._header, self._fields)
            else:
                if self._is_header(columns):
                    self._header, self._plan = columns, field_map(columns, self._fields)
                    yield from self._rows_above()
                else:
                    self._before.append((line, columns))
                    self._filled.append(sum(1 for value in values if str(value).strip()))
                return
        width = len(self._header)
        if len(values) > width and not any(values[width:]):
            values = values[:width]  # a delimiter at the end of each line
        if len(values) != width:
            yield Problem(line, None, f"expected {width} columns as in the header, got {len(values)}")
        else:
            yield self._plan.entry(line, dict(zip(self._header, values, strict=True)))

    def end(self, others: bool = False) -> Iterator[Problem]:
        """Say what was no table.

        Args:
            others: Whether another table of the source had a header.

        Raises:
            PaperError: If there was no header, and no other table.
        """
        if self._plan is None and self._before:
            if not others:
                self._refuse()
            yield Problem(self._before[0][0], None, no_text(self._before[0][1]))

    def _rows_above(self) -> Iterator[Problem]:
        """Name the rows above the header that have as many values as rows below it: they say nothing of the export."""
        least = max(2, len(self._header) // 2)
        for (line, columns), filled in zip(self._before, self._filled, strict=True):
            if filled >= least:
                yield Problem(line, None, f"stands above the header: {', '.join(columns)[:_SHOWN_CHARACTERS]!r}")

    def _has_no_header(self, columns: tuple[str, ...]) -> bool:
        """Return whether the user named columns by their numbers, and the first row holds no such names."""
        named = [column for _, column in self._fields]
        return bool(named) and not self._before and all(map(str.isdecimal, named)) and not set(named) & set(columns)

    def _is_header(self, columns: tuple[str, ...]) -> bool:
        if self._fields:
            return all(key in columns or key.partition(".")[0] in columns for _, key in self._fields) and (
                field_map(columns, self._fields).has_text
            )
        return field_map(columns).has_text

    def _refuse(self) -> None:
        columns = max((columns for _, columns in self._before[:_MOST_PREAMBLE]), key=len)
        if self._fields:
            check_columns(self._source, columns, self._fields)
        shown = ", ".join(repr(column[:_SHOWN_CHARACTERS]) for column in columns[:_SHOWN_COLUMNS])
        raise PaperError(
            f"{self._source}: no column is called a title or an abstract; they are {shown}. Name the right ones, such "
            "as --field title=NAME, or, where there is no header, by their numbers: --field title=2 --field abstract=3"
        )


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns, with a number behind one that stood before, so that neither is lost."""
    found: dict[str, int] = {}  # each name, and how often it came
    for name in map(str.strip, names):
        found[name] = found.get(name, 0) + 1
        if (times := found[name]) > 1:
            while (free := f"{name} ({times})") in found:
                times += 1
            found[name], found[free] = times, 1
    return tuple(found)
