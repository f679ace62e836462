"""What a file format is to the readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from specter2_plugins.readers.markup import plain_text
from specter2_plugins.readers.names import FieldNames
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream


@dataclass(frozen=True)
class Format:
    """A file format.

    Args:
        name: What the user calls it.
        matches: Whether a file that begins like this is one.
        extensions: File names end so, in lower case and without the ending of a compression.
        read: All records, from a stream and the names that the user gave.
        plain_text: Takes the markup out of titles and abstracts.
        names_are_free: Whether files name their fields as they like, so that the user can say what is what.
        only_abstracts: Whether records are abstracts of papers in other files, with the same ids.
    """

    name: str
    matches: Callable[[bytes], bool]
    extensions: tuple[str, ...]
    read: Callable[[Stream, FieldNames], Iterator[Entry | Problem]]
    plain_text: Callable[[str], str] = plain_text
    names_are_free: bool = False
    only_abstracts: bool = False
