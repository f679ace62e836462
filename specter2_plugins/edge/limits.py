"""What the engine's files can keep, checked before it sees anything.

The engine logs an operation before it looks at it, and reads its log with other rules than it writes it: what is nested
too deeply makes the whole log unreadable, an infinity in a filter comes back as "no bound". So neither reaches it.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from specter2_plugins.errors import StoreError

MAX_DEPTH = 100
"""Levels of a payload or a filter; the engine's log cannot be read from about 122 on."""
MAX_ID = 2**64 - 1
MAX_SPARSE_INDEX = 2**32 - 1
MAX_DIMENSIONS = 65_536
"""Dimensions of a vector, as on a server. The engine ends the process where memory does not suffice for one."""

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1
_COLLECTION_NAME = 255
# The engine's folder of a vector is named `vector_storage-` and the vector.
_VECTOR_NAME = 240
_FORBIDDEN = set('<>:"/\\|?*\0\x1f')
_NUMBER = 8


def measured(value: Any, owner: str, above: int = 0) -> int:
    """Return about how many bytes a payload or a filter takes, once it is known that the engine can keep it.

    Args:
        value: JSON, or a model of qdrant-client.
        owner: What to call it in an error.
        above: How many levels lie above it.

    Raises:
        StoreError: If it is nested too deeply, or holds a number or a text that cannot be kept.
    """
    size = 0
    level, depth = [value], above
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                size += len(utf8(item, owner))
            elif isinstance(item, BaseModel):
                below.extend(item.__dict__.values())
            elif isinstance(item, Mapping):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, (list, tuple, set)):
                below.extend(item)
            else:
                size += _NUMBER
                _check_number(item, owner)
        level, depth = below, depth + 1
        if level and depth > MAX_DEPTH:
            raise StoreError(f"{owner}: it is nested more than {MAX_DEPTH} levels deep")
    return size


def path_depth(path: str | None, owner: str) -> int:
    """Return how many levels a path into payloads has, such as `a.b[].c`.

    Raises:
        StoreError: If they are too many, or it is not text.
    """
    if path is None:
        return 0
    utf8(path, owner)
    depth = 1 + path.count(".") + path.count("[")
    if depth > MAX_DEPTH:
        raise StoreError(f"{owner}: the path {reprlib.repr(path)} has more than {MAX_DEPTH} levels")
    return depth


def utf8(text: str, owner: str) -> bytes:
    """Return a text's bytes.

    Raises:
        StoreError: If it holds half of a surrogate pair, as text of a broken decoding does.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise StoreError(f"{owner}: {reprlib.repr(text)} holds half of a surrogate pair, which is no text") from None


def check_collection_name(name: str) -> None:
    """Refuse what cannot name a collection, or its folder."""
    shown = " ".join(sorted(character for character in _FORBIDDEN if character.isprintable()))
    if name in (".", "..") or _FORBIDDEN.intersection(name):
        raise StoreError(f"{reprlib.repr(name)} cannot name a collection: at most 255 bytes, none of {shown}")
    _check_name(name, "a collection", _COLLECTION_NAME)


def check_alias_name(name: str) -> None:
    """Refuse what cannot name an alias."""
    _check_name(name, "an alias", _COLLECTION_NAME)


def check_vector_name(name: str) -> None:
    """Refuse what cannot name a vector, or the folder that the engine keeps it in."""
    if "\0" in name:
        raise StoreError(f"{reprlib.repr(name)} cannot name a vector: it holds a NUL")
    if name:  # the only vector of a collection may be unnamed
        _check_name(name, "a vector", _VECTOR_NAME)


def _check_name(name: str, kind: str, most: int) -> None:
    length = len(utf8(name, f"the name of {kind}"))
    if not 0 < length <= most:
        raise StoreError(f"{reprlib.repr(name)} cannot name {kind}: it has {length} bytes, 1 to {most} are allowed")


def _check_number(item: Any, owner: str) -> None:
    if isinstance(item, float):
        if not math.isfinite(item):
            raise StoreError(f"{owner}: {item} is no number that JSON has")
    elif isinstance(item, int) and not _MIN_INTEGER <= item <= _MAX_INTEGER:
        raise StoreError(f"{owner}: the integer {reprlib.repr(item)} does not fit into 64 bits")
