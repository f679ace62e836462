"""Which papers of a run are new, came before, or share their id with another paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from specter2_plugins.papers import Paper
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.points import PaperPoint, text_key, uuid_of

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

    entries: list[PaperPoint]
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
        self._dois: dict[str, tuple[str, str]] = {}

    def add(self, entries: Sequence[PaperPoint]) -> Sorted:
        """Sort a batch."""
        found, new, conflicts = list[PaperPoint](), list[bool](), list[str]()
        for entry in entries:
            entry, is_new, conflict = self._add(entry)
            found.append(entry)
            new.append(is_new)
            conflicts += conflict
        return Sorted(found, new, conflicts)

    def _add(self, entry: PaperPoint) -> tuple[PaperPoint, bool, list[str]]:
        paper = entry.paper
        if getattr(paper, "superseded", False):  # an older version, whatever its title was
            return entry, False, []
        title = text_key(paper)
        own = apart(entry)
        doi = paper.metadata.get("doi")
        works = [own, *([uuid_of(f"doi:{doi}:{title}")] if isinstance(doi, str) and doi else [])]
        came_before = not all(self._known.add(works))
        if came_before:
            return (replace(entry, point=own) if self._seen.holds([own])[0] else entry), False, []
        if self._seen.add([entry.point])[0]:
            if len(self._titles) < _REMEMBERED:
                self._titles[entry.point] = shown(paper), title[:_COMPARED]
            return entry, True, self._of_one_doi(paper, title)
        other, its_title = self._titles.get(entry.point, (None, None))
        if its_title is not None and goes_on(its_title, title[:_COMPARED]):
            return entry, False, []
        self._seen.add([own])
        both = f"{other!r} and {shown(paper)!r}" if other is not None else f"an earlier paper and {shown(paper)!r}"
        return replace(entry, point=own), True, [f"the id {paper.id!r} is that of {both}; both are kept"]

    def _of_one_doi(self, paper: Paper, title: str) -> list[str]:
        """Say that a paper has the DOI of another one, whose id is not the same."""
        doi = paper.metadata.get("doi")
        if not isinstance(doi, str) or not doi:
            return []
        if doi not in self._dois:
            if len(self._dois) < _REMEMBERED:
                self._dois[doi] = shown(paper), title[:_COMPARED]
            return []
        other, its_title = self._dois[doi]
        if goes_on(its_title, title[:_COMPARED]):
            return []
        return [f"the DOI {doi!r} is that of {other!r} and {shown(paper)!r}; both are kept"]


def apart(entry: PaperPoint) -> str:
    """Return the point of a paper beside another one with its id."""
    return uuid_of(f"conflict:{entry.point}:{text_key(entry.paper)}")


def shown(paper: Paper) -> str:
    """Return a paper's title, else the beginning of its abstract, short enough for a message."""
    return (paper.title or paper.abstract or "")[:_SHOWN]


def goes_on(first: str, second: str) -> bool:
    """Return whether one title, as `text_key` has it, begins with all words of the other."""
    return f"{first} ".startswith(f"{second} ") or f"{second} ".startswith(f"{first} ")
