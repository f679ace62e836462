"""What a provider's JSON records are to the JSON reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specter2_plugins.readers.records import Entry, Problem


@dataclass(frozen=True)
class Flavour:
    """A provider's records.

    Args:
        name: What the user calls the provider.
        signs: Sets of keys; a record with all keys of one of them is of this flavour.
        entry: Its line and the record, under our names.
    """

    name: str
    signs: tuple[frozenset[str], ...]
    entry: Callable[[int, dict[str, Any]], Entry | Problem]

    def matches(self, keys: frozenset[str]) -> bool:
        """Whether records with these keys are of this flavour."""
        return any(sign <= keys for sign in self.signs)


def signs(*keys: str) -> tuple[frozenset[str], ...]:
    """Signs of one key, or several with spaces between them, each."""
    return tuple(frozenset(sign.split()) for sign in keys)


def scalars(record: dict[str, Any], without: frozenset[str]) -> dict[str, Any]:
    """The text, numbers and truth values of a record, for metadata; nested values are bulk of the provider's own."""
    return {key: value for key, value in record.items() if isinstance(value, _SCALAR) and key not in without}


_SCALAR = (str, int, float)
