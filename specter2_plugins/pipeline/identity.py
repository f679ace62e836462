"""Which point a paper is, where another source's paper has its id already.

A DOI or a PMID is the same paper wherever it comes from, so a later source may correct it. A citation key or a number
is not: `smith2020` of one library is another paper than that of the next. Such a paper keeps to the point that its own
source brought; beside another source's paper of another title it gets a point of its own, made of its id and title.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.payloads import CONTENT_KEY, METADATA_KEY, from_payload
from specter2_plugins.papers.points import HASHES_KEY, PaperPoint, id_of, made_of, sources_of, text_key
from specter2_plugins.pipeline.seen import apart, goes_on, shown
from specter2_plugins.readers.ids import is_global

Retrieve = Callable[[Sequence[str], list[str]], Mapping[str, Mapping[str, Any]]]
"""Returns the payloads of points, with only some of their keys."""


@dataclass
class Moved:
    """Papers that a collection's other paper has made go apart.

    Args:
        left: The points that they would have been.
        found: The points that they are.
    """

    left: IdSet = field(default_factory=IdSet)
    found: IdSet = field(default_factory=IdSet)


def settle(
    batch: Sequence[PaperPoint], stored: dict[str, dict[str, Any] | None], retrieve: Retrieve, moved: Moved
) -> tuple[list[PaperPoint], list[str]]:
    """Give papers with local ids their points.

    Args:
        batch: Papers, at the points that their run alone gives them.
        stored: What the collection's points among these were made of; what is looked up beside them is added.
        retrieve: Looks payloads up.
        moved: Is told of each paper that goes apart.

    Returns:
        The papers at their points, and the conflicts in words.
    """
    homes = {entry.point: id_of(str(entry.paper.id)) for entry in batch if _is_local(entry)}
    beside = [home for home in dict.fromkeys(homes.values()) if home not in stored and home not in homes]
    if beside:
        stored.update((point, made_of(payload)) for point, payload in retrieve(beside, [HASHES_KEY]).items())
    doubtful = {entry.point for entry in batch if entry.point in homes and _is_doubtful(entry, homes, stored)}
    if not doubtful:
        return list(batch), []
    keys = [CONTENT_KEY, f"{METADATA_KEY}.doi"]
    others = retrieve([homes[point] for point in doubtful], keys)
    settled, conflicts = list[PaperPoint](), list[str]()
    for entry in batch:
        home = homes.get(entry.point, "")
        if entry.point in doubtful and _is_same(entry, others.get(home, {})):
            entry = replace(entry, point=home)
        elif entry.point in doubtful and entry.point == home:
            entry = replace(entry, point=apart(entry))
            moved.left.add([home])
            moved.found.add([entry.point])
            both = f"{shown(from_payload(others.get(home, {})))!r} of another source and {shown(entry.paper)!r}"
            conflicts.append(f"the id {entry.paper.id!r} is that of {both}; both are kept")
        settled.append(entry)
    away = [entry.point for entry in settled if entry.point not in stored]
    if away and conflicts:
        stored.update((point, made_of(payload)) for point, payload in retrieve(away, [HASHES_KEY]).items())
    return settled, conflicts


def _is_local(entry: PaperPoint) -> bool:
    return entry.paper.id is not None and not is_global(entry.paper.id) and bool(_sources(entry))


def _is_doubtful(entry: PaperPoint, homes: Mapping[str, str], stored: Mapping[str, dict[str, Any] | None]) -> bool:
    """Return whether another paper may be where this one is about to go; or this one, where its run puts another."""
    home = homes[entry.point]
    there = stored.get(home)
    if not sources_of(there):
        return False
    is_ours = bool(_sources(entry) & set(sources_of(there)))
    if entry.point != home:
        return is_ours
    return not is_ours and (there or {}).get("text") != entry.payload[HASHES_KEY]["text"]


def _is_same(entry: PaperPoint, payload: Mapping[str, Any]) -> bool:
    """Return whether a stored paper is this one, by its DOI or its title."""
    if not payload.get(CONTENT_KEY):
        return True
    doi = entry.paper.metadata.get("doi")
    if doi and doi == (payload.get(METADATA_KEY) or {}).get("doi"):
        return True
    return goes_on(text_key(from_payload(payload)), text_key(entry.paper))


def _sources(entry: PaperPoint) -> set[str]:
    return set(sources_of(entry.payload[HASHES_KEY]))
