"""Values of BibTeX fields: texts in their delimiters, macros, and several of these joined by #."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specter2_plugins.readers.limits import MAX_RECORD, TOO_LONG

_NEXT_FIELD = re.compile(r"\s*([A-Za-z][\w:.+/-]*)\s*=\s*(?=\S)")
_MARK = re.compile(r'(?<!\\)[{}"]')
# A word without delimiters behind which another field begins.
_BARE = re.compile(r"[^\s{}\"=#]+(?=\s+[A-Za-z][\w-]*\s*=)")
_JOINT = re.compile(r"\s*(?:#\s*|\Z)")
_ROOM = 64 * 2**20
_STRING = 100  # what Python takes for a string beside its characters


class Macros:
    """What the `@string`s of a file define."""

    def __init__(self) -> None:
        self._texts: dict[str, str | None] = {}  # None for one that was refused
        self._room = _ROOM

    def define(self, name: str, raw: str) -> None:
        """Remember a macro.

        Raises:
            OverflowError: If it, or all of them together, are too long.
            ValueError: If it has no value, but rests of two.
        """
        self._texts[name.lower()] = None
        value, rest = self._value(raw)
        if rest:
            raise ValueError(rest)
        self._room -= len(value) + len(name) + _STRING
        if self._room < 0:
            raise OverflowError(f"the macros of a file are longer than {_ROOM >> 20} MiB")
        self._texts[name.lower()] = value

    def values(self, name: str, raw: str) -> Iterator[tuple[str, str]]:
        """Yield a field, and those behind it where the comma between them is missing.

        Raises:
            OverflowError: If macros make it too long, or one that it needs was refused.
            ValueError: If something follows it that is no field.
        """
        while True:
            value, rest = self._value(raw)
            yield name.lower(), value
            if not rest:
                return
            following = _NEXT_FIELD.match(rest)
            if following is None:
                raise ValueError(rest)
            name, raw = following[1], rest[following.end() :]

    def _value(self, raw: str) -> tuple[str, str]:
        """Return the text of a value, and what follows it."""
        parts: list[str] = []
        position, length, size = 0, len(raw), 0
        while position < length:
            if raw[position] in '{"':
                end = _closing(raw, position)
                parts.append(raw[position + 1 : end])
                end += 1
            else:
                joint = raw.find("#", position)
                end = joint if joint >= 0 else length
                if (bare := _BARE.match(raw, position, end)) is not None:
                    end = bare.end()
                parts.append(self._text(raw[position:end].strip()))
            size += len(parts[-1])
            if size > MAX_RECORD:
                raise OverflowError(f"its macros expand it: {TOO_LONG}")
            joined = _JOINT.match(raw, end)
            if joined is None:
                return "".join(parts), raw[end:]
            position = joined.end()
        return "".join(parts), ""

    def _text(self, word: str) -> str:
        found = self._texts.get(word.lower(), word)
        if found is None:
            raise OverflowError(f"its macro {word} was refused")
        return found


def _closing(raw: str, position: int) -> int:
    """Return where the delimiter at a position is closed."""
    depth, closes = 0, '"' if raw[position] == '"' else "}"
    for mark in _MARK.finditer(raw, position + 1):
        if depth == 0 and mark[0] == closes:
            return mark.start()
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
    return len(raw)
