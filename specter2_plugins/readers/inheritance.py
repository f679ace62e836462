"""What a BibTeX entry takes from another: crossref's parents, and biblatex's xdata.

A parent stands behind its children as a rule, so these wait for it, and all that follows waits with them, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.records import Entry, Problem

_MOST_WAITING = 50_000
_MOST_CHARACTERS = 96 * 2**20
_PARENTS_CHARACTERS = 96 * 2**20
_STRING = 100
_XDATA = "xdata"
_BOOKS = ("booktitle", "maintitle", "journaltitle", "journal")
_OWN = frozenset(
    {"abstract", "doi", "url", "author", "keywords", "subtitle", "title", "crossref", "pages", "note", "ids"}
)
"""What holds for a parent alone."""


@dataclass
class RawEntry:
    """An entry as it stands in its file, its macros replaced."""

    line: int
    kind: str
    key: str
    fields: dict[str, str]
    other_titles: list[str] = field(default_factory=list)

    @property
    def parents(self) -> list[str]:
        """The keys of what it takes fields from, the nearest first."""
        named = f"{self.fields.get(_XDATA, '')},{self.fields.get('crossref', '')}"
        return [key.strip().lower() for key in named.split(",") if key.strip()]


class Inheritance:
    """Entries in their order, each once what it inherits from is known, or will not come.

    Args:
        finish: What an entry becomes.
    """

    def __init__(self, finish: Callable[[RawEntry], Entry]) -> None:
        self._finish = finish
        self._parents: dict[str, RawEntry] = {}
        self._waiting: deque[tuple[RawEntry | None, Problem | None]] = deque()
        self._characters, self._room = 0, _PARENTS_CHARACTERS

    def add(self, entry: RawEntry | None, problem: Problem | None) -> Iterator[Entry | Problem]:
        """Take what comes next, and yield what need not wait any longer."""
        if entry is not None and _may_be_parent(entry) and self._room > 0:
            parent = _without_text(entry)
            if self._parents.setdefault(entry.key.lower(), parent) is parent:
                self._room -= _size(parent)
        if not self._waiting and (entry is None or self._is_ready(entry)):
            yield from self._done(entry, problem)
            return
        self._waiting.append((entry, problem))
        self._characters += _size(entry)
        while self._waiting and (self._is_ready(self._waiting[0][0]) or self._are_too_many()):
            yield from self._next()

    def rest(self) -> Iterator[Entry | Problem]:
        """Yield all that still waits."""
        while self._waiting:
            yield from self._next()

    def _next(self) -> Iterator[Entry | Problem]:
        entry, problem = self._waiting.popleft()
        self._characters -= _size(entry)
        return self._done(entry, problem)

    def _is_ready(self, entry: RawEntry | None) -> bool:
        return entry is None or all(key in self._parents for key in entry.parents)

    def _are_too_many(self) -> bool:
        return len(self._waiting) > _MOST_WAITING or self._characters > _MOST_CHARACTERS

    def _done(self, entry: RawEntry | None, problem: Problem | None) -> Iterator[Entry | Problem]:
        if problem is not None:
            yield problem
        if entry is None or entry.kind.lower() == _XDATA:  # fields of others, no paper
            return
        for key in entry.parents:
            if (parent := self._parents.get(key)) is not None and parent.key != entry.key:
                _inherit(entry.fields, parent)
        try:
            yield self._finish(entry)
        except PaperError as error:  # a field that is too long
            yield Problem(entry.line, entry.key, str(error))


def _inherit(fields: dict[str, str], parent: RawEntry) -> None:
    if parent.kind.lower() == _XDATA:
        for name, value in parent.fields.items():
            fields.setdefault(name, value)
        return
    title = parent.fields.get("title")
    if title and not any(fields.get(name) or parent.fields.get(name) for name in _BOOKS):
        fields["journaltitle" if parent.kind.lower() == "periodical" else "booktitle"] = title
    for name, value in parent.fields.items():
        if name not in _OWN:
            fields.setdefault(name, value)


def _may_be_parent(entry: RawEntry) -> bool:
    return bool(entry.key) and not entry.fields.get("crossref")


def _without_text(entry: RawEntry) -> RawEntry:
    """Return an entry as its children see it; xdata gives all that it has."""
    if entry.kind.lower() == _XDATA:
        return entry
    fields = {name: value for name, value in entry.fields.items() if (name not in _OWN or name == "title")}
    return RawEntry(
        entry.line, entry.kind, entry.key, {name: value for name, value in fields.items() if len(value) < 500}
    )


def _size(entry: RawEntry | None) -> int:
    """Return the characters of an entry, with what Python takes for each string."""
    if entry is None:
        return _STRING
    return sum(len(name) + len(value) + _STRING for name, value in entry.fields.items()) + _STRING
