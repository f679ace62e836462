"""JSON text -> the text of each record in it, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specter2_plugins.readers.limits import MAX_RECORD, TOO_LONG
from specter2_plugins.readers.records import Problem
from specter2_plugins.readers.stream import Stream

_TOKEN = re.compile(rb'[{}\[\]"]|[^\s,:{}\[\]"]+')
_BRACKETS = b"{}[]"
_QUOTE, _BACKSLASH = b'"\\'
_BETWEEN_VALUES = b" \t\r\n,:"


def is_document(head: bytes) -> bool:
    """Return whether JSON is an array, or an object over several lines, rather than an object a line."""
    head = head.lstrip()
    first_line, line_end, _ = head.partition(b"\n")
    return head.startswith(b"[") or (line_end == b"\n" and first_line.rstrip().endswith((b"{", b"[", b",")))


def records(stream: Stream) -> Iterator[tuple[int, bytes] | Problem]:
    """Yield line and text of each value at the top, or in arrays at the top, however they are laid out.

    Only brackets and strings are looked at, so that a record that is no JSON does not take the others with it.
    """
    text = b""
    line = 1  # of text[0]
    scanned = 0  # text[:scanned] was looked at
    start = depth = arrays = 0  # where the open record begins, the brackets open in it, the arrays around it
    while chunk := stream.read():
        text += chunk
        counted = 0  # lines up to text[counted] are in `line`
        while token := _next_token(text, scanned):
            begin, scanned = token
            kind = text[begin : begin + 1]
            if depth == 0:
                if kind == b"[":
                    arrays += 1
                    continue
                if kind == b"]" and arrays:
                    arrays -= 1
                    continue
                start = begin
            if kind in (b"{", b"["):
                depth += 1
            elif kind in (b"}", b"]") and depth:
                depth -= 1
            if depth == 0:
                line += text.count(b"\n", counted, start)
                counted = start
                yield line, text[start:scanned]
        done = start if depth else scanned
        line += text.count(b"\n", counted, done)
        text, scanned, start = text[done:], scanned - done, 0
        if len(text) > MAX_RECORD:
            yield Problem(line, None, f"{TOO_LONG}; the rest of the file is not read")
            return
    if rest := text.strip(_BETWEEN_VALUES):
        yield line + text[: text.index(rest)].count(b"\n"), rest
    elif arrays:
        yield Problem(line, None, "the file ends within an array: it is cut off")


def _next_token(text: bytes, position: int) -> tuple[int, int] | None:
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
