"""Which papers of a run are new, came before, or share their id with another paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from specter2_plugins.qdrant.ingestion.idset import IdSet
from specter2_plugins.qdrant.points import Entry, text_key, uuid_of

_REMEMBERED = 100_000
_SHOWN = 80
_COMPARED = 200


class Sorted(NamedTuple):
    """What became of a batch.

    Args:
        entries: The papers in their order; one in conflict has a point of its own.
        new: For each whether it is new.
        conflicts: Each id that another paper had before, with both titles, in words.
    """

    entries: list[Entry]
    new: list[bool]
    conflicts: list[str]


class Works:
    """The papers so far. The same id with another title is another paper; the same DOI and title are the same one.

    A title that goes on where the other ends was cut off, or has its subtitle: that is no other title.

    Args:
        seen: The points of all papers so far.
    """

    def __init__(self, seen: IdSet) -> None:
        self._seen = seen
        self._known = IdSet()
        self._titles: dict[str, tuple[str, str]] = {}

    def add(self, entries: Sequence[Entry]) -> Sorted:
        """Sort a batch."""
        found, new, conflicts = list[Entry](), list[bool](), list[str]()
        for entry in entries:
            entry, is_new, conflict = self._add(entry)
            found.append(entry)
            new.append(is_new)
            conflicts += conflict
        return Sorted(found, new, conflicts)

    def _add(self, entry: Entry) -> tuple[Entry, bool, list[str]]:
        paper = entry.paper
        if getattr(paper, "superseded", False):  # an older version, whatever its title was
            return entry, False, []
        title = text_key(paper)
        apart = uuid_of(f"conflict:{entry.point}:{title}")
        doi = paper.metadata.get("doi")
        works = [apart, *([uuid_of(f"doi:{doi}:{title}")] if isinstance(doi, str) and doi else [])]
        came_before = not all(self._known.add(works))
        if came_before:
            return (replace(entry, point=apart) if self._seen.holds([apart])[0] else entry), False, []
        shown = (paper.title or paper.abstract or "")[:_SHOWN]
        if self._seen.add([entry.point])[0]:
            if len(self._titles) < _REMEMBERED:
                self._titles[entry.point] = shown, title[:_COMPARED]
            return entry, True, []
        other, its_title = self._titles.get(entry.point, (None, None))
        if its_title is not None and _goes_on(its_title, title[:_COMPARED]):
            return entry, False, []
        self._seen.add([apart])
        both = f"{other!r} and {shown!r}" if other is not None else f"an earlier paper and {shown!r}"
        return replace(entry, point=apart), True, [f"the id {paper.id!r} is that of {both}; both are kept"]


def _goes_on(first: str, second: str) -> bool:
    """Whether one title begins with all words of the other."""
    return f"{first} ".startswith(f"{second} ") or f"{second} ".startswith(f"{first} ")
