"""Where in a JSON object that is not yet at its end its papers lie."""

from __future__ import annotations

import re
from typing import NamedTuple

from specter2_plugins.readers.providers import UNDER

_TOKEN = re.compile(rb'[{}\[\]"]|[^\s,:{}\[\]"]+')
_COLON = re.compile(rb"\s*:")
_BRACKETS = b"{}[]"
_QUOTE, _BACKSLASH = b'"\\'
_LISTS = frozenset(path for _, paths in UNDER for path in paths)
_OF_A_PAPER = frozenset({"title", "abstract", "content"})
_LONGEST_KEY = 80


class Wrapper(NamedTuple):
    """An object around papers.

    Args:
        begin: The place after the bracket that opens the list, or the object, of papers.
        end: What closes it.
        outside: Brackets that are open around it.
    """

    begin: int
    end: bytes
    outside: int


class _Open(NamedTuple):
    kind: bytes
    path: str
    """Keys that lead here, with dots between."""
    begin: int


def papers_within(text: bytes) -> Wrapper | None:
    """Return where an object that begins a text, and does not end in it, holds its papers; None where it holds none.

    They lie in a list under one of the keys that APIs and exports have for it, or are the values of the object, as in
    OpenReview's {id: paper}. An object with a title is a paper itself, however much it cites.

    Example:
        >>> papers_within(b'{"total": 2, "data": [{"title": "Owls"}, {"ti')
        Wrapper(begin=22, end=b']', outside=1)
    """
    stack: list[_Open] = []
    key, position = "", 0
    papers = others = 0  # values of the object at the top
    while token := next_token(text, position):
        begin, position = token
        kind = text[begin : begin + 1]
        if kind in (b"{", b"["):
            path = f"{stack[-1].path}.{key}".lstrip(".") if stack and stack[-1].kind == b"{" else key
            stack.append(_Open(kind, path, position))
            key = ""
        elif kind in (b"}", b"]"):
            stack = stack[:-1]
            if not stack:
                return None
        elif stack and stack[-1].kind == b"{" and kind == b'"' and (colon := _COLON.match(text, position)):
            key, position = (
                text[begin + 1 : min(position - 1, begin + _LONGEST_KEY)].decode(errors="replace"),
                colon.end(),
            )
            if len(stack) == 1 and key == "title":
                return None
            papers += len(stack) == 2 and key in _OF_A_PAPER
        elif len(stack) == 1:
            others += 1
    for depth, open_ in enumerate(stack):
        if open_.kind == b"[":
            return Wrapper(open_.begin, b"]", depth) if open_.path in _LISTS else None
    return Wrapper(stack[0].begin, b"}", 0) if papers and not others else None


def next_token(text: bytes, position: int) -> tuple[int, int] | None:
    """Begin and end of the next bracket, string or other value; None where it is not there as a whole."""
    found = _TOKEN.search(text, position)
    if found is None:
        return None
    begin, end = found.span()
    if text[begin] == _QUOTE:
        end = _end_of_string(text, end)
        return (begin, end) if end else None
    # A number or a word at the end may go on.
    return (begin, end) if end < len(text) or text[begin] in _BRACKETS else None


def _end_of_string(text: bytes, begin: int) -> int:
    """Return the position after the quote that closes a string, or 0."""
    end = text.find(b'"', begin)
    while end >= 0:
        backslashes = end
        while backslashes > begin and text[backslashes - 1] == _BACKSLASH:
            backslashes -= 1
        if (end - backslashes) % 2 == 0:
            return end + 1
        end = text.find(b'"', end + 1)
    return 0
