"""What a BibTeX entry takes from another: crossref's parents, and biblatex's xdata.

A parent stands behind its children as a rule, so these wait for it, and all that follows waits with them, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from specter2_plugins.readers.records import Entry, Problem

_MOST_WAITING = 50_000
_MOST_CHARACTERS = 32 * 2**20
_MOST_PARENTS = 100_000
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
        self._characters = 0

    def add(self, entry: RawEntry | None, problem: Problem | None) -> Iterator[Entry | Problem]:
        """Take what comes next, and yield what need not wait any longer."""
        if entry is not None and _may_be_parent(entry) and len(self._parents) < _MOST_PARENTS:
            self._parents.setdefault(entry.key.lower(), _without_text(entry))
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
        yield self._finish(entry)


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
    """An entry as its children see it; xdata gives all that it has."""
    if entry.kind.lower() == _XDATA:
        return entry
    fields = {name: value for name, value in entry.fields.items() if (name not in _OWN or name == "title")}
    return RawEntry(
        entry.line, entry.kind, entry.key, {name: value for name, value in fields.items() if len(value) < 500}
    )


def _size(entry: RawEntry | None) -> int:
    return sum(map(len, entry.fields.values())) if entry is not None else 100
