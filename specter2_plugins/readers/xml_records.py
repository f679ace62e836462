"""XML, a record at a time, each read by its dialect.

Only the file itself is read: no entity is expanded but those that a dialect knows, and a file that declares one is
refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.entities import html5
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require
from specter2_plugins.readers.fields import FieldNames
from specter2_plugins.readers.format import Format, from_start
from specter2_plugins.readers.limits import MAX_PARTS, MAX_RECORD, TOO_LONG
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.stream import Stream
from specter2_plugins.readers.xml_head import root_of

# Where files were written behind each other, the next one begins so.
_NEXT_FILE = re.compile(rb"(?:\A|>)\s*(?=<\?xml\s)")
_SHOWN = 40
_MOST_DEPTH = 256
# Stands for a byte that is none of the encoding: XML allows it, and nobody writes it.
_WRONG = "\U0010fffd"
codecs.register_error("specter2-xml", lambda error: (_WRONG, error.end if isinstance(error, UnicodeDecodeError) else 0))
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*);")


@dataclass(frozen=True)
class Dialect:
    """A kind of XML.

    Args:
        name: What the user calls it.
        roots: Names of the root element.
        records: Names of the elements that are records.
        entries: What is in one.
        sign: Must be found in the beginning, where roots alone do not tell.
        skipped: Names of large elements within records that are of no use, such as the body of an article.
        keeps: Whether a record that was read stays, because one around it is still to be read.
        entities: Whether HTML's names of characters may stand for them.
        extensions: As of a `Format`.
        around: Names of elements beside the records that hold none.
    """

    name: str
    roots: frozenset[str]
    records: tuple[str, ...]
    entries: Callable[[Any], Iterator[Entry | Problem]]
    sign: re.Pattern[bytes] | None = None
    skipped: tuple[str, ...] = ()
    keeps: Callable[[Any], bool] = lambda element: False
    entities: bool = False
    extensions: tuple[str, ...] = ()
    around: frozenset[str] = frozenset()

    def format(self) -> Format:
        """Return it as one of the formats."""
        return Format(self.name, from_start(self._matches), self.extensions, self._read)

    def _matches(self, head: bytes) -> bool:
        return root_of(head) in self.roots and (self.sign is None or self.sign.search(head) is not None)

    def _read(self, stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
        lines = 0
        for document in _documents(stream, self.entities):
            reading = _Reading(self, stream.name, stream.undecodable, lines)
            for chunk in document:
                yield from reading.feed(chunk)
                if reading.is_over:
                    break
            yield from reading.close()
            for _ in document:  # what is left of it
                pass
            lines += reading.lines


class _Reading:
    """One document."""

    def __init__(self, dialect: Dialect, source: str, undecodable: str, lines_before: int) -> None:
        self._etree = require("lxml.etree", "lxml", "readers")
        self._dialect, self._source, self._undecodable, self._before = dialect, source, undecodable, lines_before
        self._parser = self._etree.XMLPullParser(
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=True,
        )
        self._waiting, self._elements, self._checked, self._depth, self._record_depth = 0, 0, False, 0, 0
        self.line, self.lines, self.is_over, self._begun = 1, 0, False, 1
        self._others: dict[str, tuple[int, int]] = {}

    def feed(self, chunk: bytes) -> Iterator[Entry | Problem]:
        self.lines += chunk.count(b"\n")
        broken = None
        try:
            self._parser.feed(chunk)
        except self._etree.XMLSyntaxError as error:
            broken = error  # after the records before it
        self._waiting += len(chunk)
        yield from self._events()
        if broken is not None:
            yield from self._what_is_no_record()
            yield self._broken(broken)
        elif self._waiting > MAX_RECORD and not self.is_over:
            yield self._too_long()

    def close(self) -> Iterator[Entry | Problem]:
        if self.is_over:
            return
        self.is_over = True
        try:
            root = self._parser.close()
        except self._etree.XMLSyntaxError as error:
            yield from self._events()
            yield from self._what_is_no_record()
            yield self._broken(error)
            return
        yield from self._events()
        _refuse_entities(self._source, root)
        yield from self._what_is_no_record()

    def _events(self) -> Iterator[Entry | Problem]:
        dialect = self._dialect
        for event, element in self._parser.read_events():
            if self.is_over:
                return
            if not self._checked:
                _refuse_entities(self._source, element)
                self._checked = True
            name = local_name(element)
            if event == "start":
                self._depth += 1
                self._elements += 1
                if self._depth == 1 and name not in dialect.roots:
                    self.is_over = True
                    yield Problem(self._before + (element.sourceline or 1), None, f"<{name}> begins no {dialect.name}")
                    return
                if name in dialect.records and not dialect.keeps(element):
                    if self._record_depth:
                        yield Problem(
                            self._before + self._begun, None, f"<{name}> begins within it: its end is missing"
                        )
                    self._record_depth = self._depth
                    self._begun = element.sourceline or self.line
                if self._elements > MAX_PARTS or self._depth > _MOST_DEPTH:
                    yield self._too_long()
                    return
                continue
            self._depth -= 1
            if name in dialect.records:
                self.line = element.sourceline or self.line
                self._waiting = self._elements = 0
                yield from self._entries(element)
                if not dialect.keeps(element):
                    self._forget(element)
                if self._depth < self._record_depth:
                    self._record_depth = 0
            elif name in dialect.skipped:
                self._elements -= sum(1 for _ in element.iter())
                element.clear(keep_tail=True)
            elif not self._record_depth:
                if self._depth and name not in dialect.around and _has_text(element):
                    self._other(f"<{name}>", element)
                if self._depth:
                    self._forget(element)
                else:
                    self._look_outside(element)

    def _other(self, what: str, element: Any) -> None:
        """Remember that something with text is no record."""
        line, count = self._others.get(what, (self._before + (element.sourceline or 1), 0))
        if count or len(self._others) < _SHOWN:
            self._others[what] = line, count + 1

    def _what_is_no_record(self) -> Iterator[Problem]:
        for what, (line, count) in self._others.items():
            times = f" ({count:,} times)" if count > 1 else ""
            yield Problem(line, None, f"{what}{times} is no record of {self._dialect.name}")

    def _forget(self, element: Any) -> None:
        """Take a record, and all before it, out of the tree."""
        element.clear(keep_tail=True)
        parent = element.getparent()
        if parent is None:
            return
        if is_outside := self._depth < self._record_depth or not self._record_depth:
            self._look_at(parent.text, parent)
            parent.text = None
        # Those that follow were parsed with the same chunk, and may be many: each is looked at when it goes itself.
        while element.getprevious() is not None:
            if is_outside:
                self._look_at(parent[0].tail, parent)
            del parent[0]

    def _look_outside(self, parent: Any) -> None:
        """Remember text that stands in no element of those around the records."""
        for text in (parent.text, *(child.tail for child in parent)):
            self._look_at(text, parent)

    def _look_at(self, text: str | None, parent: Any) -> None:
        if text and text.strip():
            self._other("text outside of records", parent)

    def _entries(self, element: Any) -> Iterator[Entry | Problem]:
        for entry in self._dialect.entries(element):
            line = self._before + entry.line
            if any(_WRONG in text for text in element.itertext()):
                yield Problem(line, str(entry.id) if entry.id is not None else None, self._undecodable)
                return
            yield entry._replace(line=line)

    def _broken(self, error: Any) -> Problem:
        self.is_over = True
        # What follows the last record is not read; the message names the place of the fault itself.
        line = self._begun if self._record_depth else self.line
        return Problem(self._before + line, None, f"not valid XML from here on: {error.msg}")

    def _too_long(self) -> Problem:
        self.is_over = True
        what = "citation" if self._dialect.name == "pubmed" else "record"
        return Problem(
            self._before + self.line, None, f"the next {what} is {TOO_LONG}; the rest of the file is not read"
        )


def local_name(element: Any) -> str:
    """Return an element's name without its name space."""
    return str(element.tag).rpartition("}")[2]


def find(element: Any, path: str) -> Iterator[Any]:
    """Yield the elements at a path, whatever name spaces they are in; "*" in it is any element."""
    return element.iterfind("/".join(_anywhere(step) for step in path.split("/")))


def first(element: Any, *paths: str) -> str | None:
    """Return the text of the first element that has any, of the first path that leads to one."""
    return next((text for path in paths for text in texts(element, path) if text), None)


def texts(element: Any, path: str) -> list[str]:
    """Return the text of each element at a path."""
    return [text_of(found) for found in find(element, path)]


def text_of(element: Any) -> str:
    """Return all text inside, whatever italics, superscripts or formulas it is in."""
    return "".join(element.itertext()).strip()


def _anywhere(step: str) -> str:
    if step in (".", "*", "..", "") or step.startswith("{"):
        return step
    return f"{{*}}{step}"


def _has_text(element: Any) -> bool:
    return any(text.strip() for text in element.itertext())


def _refuse_entities(source: str, element: Any) -> None:
    declared = element.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise PaperError(f"{source} declares XML entities, which files of papers do not and attacks do; it is not read")


def _documents(stream: Stream, entities: bool) -> Iterator[Iterator[bytes]]:
    """Yield the documents of a stream, which may be several behind each other, each in chunks."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="specter2-xml")
    waiting: list[bytes] = []
    ended = False

    def chunks() -> Iterator[bytes]:
        nonlocal ended
        begun = False
        while True:
            if waiting:
                chunk = waiting.pop()
            else:
                raw = stream.read()
                chunk = decoder.decode(raw, not raw).encode()
                if not raw and not chunk:
                    ended = True
                    return
                if entities:
                    # A name may be cut by the end of what was read.
                    chunk = _ENTITY.sub(_character, chunk + _until_semicolon(stream, chunk))
            cut = _NEXT_FILE.search(chunk)
            if cut is not None and (begun or chunk[: cut.end()].strip()):
                waiting.append(chunk[cut.end() :])
                yield chunk[: cut.end()]
                return
            begun = True
            yield chunk

    while not ended:
        yield chunks()


def _until_semicolon(stream: Stream, chunk: bytes) -> bytes:
    more = b""
    while (cut := (chunk + more).rfind(b"&")) >= 0 and b";" not in (chunk + more)[cut:] and len(more) < _SHOWN:
        byte = stream.read(1)
        if not byte:
            break
        more += byte
    return more


def _character(name: re.Match[bytes]) -> bytes:
    return html5.get(f"{name[1].decode()};", name[0].decode()).encode()
