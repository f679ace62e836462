"""JSON text -> the text of each record in it, one at a time."""

from __future__ import annotations

from collections.abc import Iterator

from specter2_plugins.readers.json_wrappers import Wrapper, next_token, papers_within
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD, TOO_LONG
from specter2_plugins.readers.records import Problem
from specter2_plugins.readers.stream import Stream

_BETWEEN_VALUES = b" \t\r\n,:"


def is_document(head: bytes) -> bool:
    """Return whether JSON is an array, or an object over several lines or of great length, not an object a line."""
    head = head.lstrip()
    first_line, line_end, _ = head.partition(b"\n")
    return (
        head.startswith(b"[")
        or (line_end == b"\n" and first_line.rstrip().endswith((b"{", b"[", b",")))
        or papers_within(first_line) is not None
    )


def records(stream: Stream) -> Iterator[tuple[int, bytes] | Problem]:
    """Yield line and text of each value at the top, or in arrays at the top, however they are laid out.

    An object that is larger than a record may be, or cut off, within its list of papers gives each of these. Only
    brackets and strings are looked at, so that a record that is no JSON does not take the others with it.
    """
    text = b""
    line = 1  # of text[0]
    scanned = 0  # text[:scanned] was looked at
    start = depth = parts = 0  # where the open record begins, the brackets open in it, those that opened so far
    arrays = 0  # around the records
    around: Wrapper | None = None  # the large object whose papers are the records
    left = 0  # brackets of it that are still open behind its papers
    ended = False
    while not ended:
        chunk = stream.read()
        ended = not chunk
        text += chunk
        counted = 0  # lines up to text[counted] are in `line`
        while token := next_token(text, scanned):
            begin, scanned = token
            kind = text[begin : begin + 1]
            opens, closes = kind in (b"{", b"["), kind in (b"}", b"]")
            if left:
                left += opens - closes
                continue
            if depth == 0:
                if around is not None and kind == around.end:
                    left, around = around.outside, None
                    continue
                if around is not None and around.end == b"}" and not opens:
                    continue  # the key of a paper
                if around is None and kind == b"[":
                    arrays += 1
                    continue
                if around is None and kind == b"]" and arrays:
                    arrays -= 1
                    continue
                start, parts = begin, 0
            parts += opens
            depth += opens - (closes and depth > 0)
            if depth == 0:
                line += text.count(b"\n", counted, start)
                counted = start
                yield line, text[start:scanned]
        done = start if depth else scanned
        line += text.count(b"\n", counted, done)
        text, scanned, start = text[done:], scanned - done, 0
        if not depth:
            continue
        if around is None and (ended or len(text) > MAX_RECORD or parts > MAX_PARTS):
            around = papers_within(text)
            if around is not None:
                line += text.count(b"\n", 0, around.begin)
                text, scanned, depth, ended = text[around.begin :], 0, 0, False
                continue
        if len(text) > MAX_RECORD:
            yield Problem(line, None, f"{TOO_LONG}; the rest of the file is not read")
            return
    if rest := text.strip(_BETWEEN_VALUES):
        yield line + text[: text.index(rest)].count(b"\n"), rest
    elif arrays or around or left:
        yield Problem(line, None, "the file ends within an array: it is cut off")
