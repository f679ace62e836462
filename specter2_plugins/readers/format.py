"""What a file format is to the readers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from specter2_plugins.readers.fields import FieldNames
from specter2_plugins.readers.markup import plain_text
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream


def from_start(matches: Callable[[bytes], bool]) -> Callable[[bytes], int | None]:
    """Return what finds a format that shows in the first bytes or not at all.

    Example:
        >>> finds = from_start(lambda head: head.startswith(b"%PDF"))
        >>> finds(b"%PDF-1.7"), finds(b"see %PDF")
        (0, None)
    """
    return lambda head: 0 if matches(head) else None


def at_sign(sign: re.Pattern[bytes]) -> Callable[[bytes], int | None]:
    r"""Return what finds a format by a pattern anywhere in the beginning.

    Example:
        >>> at_sign(re.compile(rb"^TY  - ", re.MULTILINE))(b"exported today\nTY  - JOUR")
        15
    """
    return lambda head: found.start() if (found := sign.search(head)) else None


def nowhere(head: bytes) -> int | None:
    """Return that a format has to be named."""
    return None


@dataclass(frozen=True)
class Format:
    """A file format.

    Args:
        name: What the user calls it.
        found: Where in the beginning of a file this format shows, from 0; None where it does not.
        extensions: File names end so, in lower case and without the ending of a compression.
        read: All records, from a stream and the names that the user gave.
        plain_text: Takes the markup out of titles and abstracts.
        names_are_free: Whether files name their fields as they like, so that the user can say what is what.
        only_abstracts: Whether records are abstracts of papers in other files, with the same ids.
    """

    name: str
    found: Callable[[bytes], int | None]
    extensions: tuple[str, ...]
    read: Callable[[Stream, FieldNames], Iterator[Entry | Problem]]
    plain_text: Callable[[str], str] = plain_text
    names_are_free: bool = False
    only_abstracts: bool = False
