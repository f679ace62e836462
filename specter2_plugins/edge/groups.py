"""Hits by the value of a payload field, which the engine leaves to its caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from qdrant_client import models
from qdrant_client.local.payload_value_extractor import value_by_key

from specter2_plugins.edge.conversions import point_id
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.errors import StoreError

_WIDER = 4
_PREFETCHED = 10
_ASKED_AGAIN = 5


class Search(Protocol):
    """A query whose limit and filter groups may change; a larger limit only adds hits at the end."""

    def __call__(self, limit: int, where: models.Filter) -> Sequence[models.ScoredPoint]:
        """Return that many hits with their payloads, best first."""


def grouped(search: Search, group_by: str, groups: int, size: int, prefetched: bool) -> list[models.PointGroup]:
    """Return the best groups, each with its best hits.

    Args:
        search: Finds the hits.
        group_by: The payload field.
        groups: How many groups to return.
        size: How many hits a group has at most.
        prefetched: The query sees no more than its prefetches bring, whatever its limit is. So it is asked again, as a
            server does: without the groups that were found, for more of them, and within these, for more hits, which
            come after those that were found before.
    """
    belongs = models.Filter(must_not=[models.IsEmptyCondition(is_empty=models.PayloadField(key=group_by))])
    found = _widened(search, belongs, group_by, groups, size)
    for _ in range(_ASKED_AGAIN if prefetched else 0):
        if len(found) >= groups or not found:
            break
        others = models.Filter(must=[belongs], must_not=[_any_of(group_by, found)])
        more = _widened(search, others, group_by, groups - len(found), size)
        if not more:
            break
        found += more
    for _ in range(_ASKED_AGAIN if prefetched else 0):
        wanting = {group.id: group for group in found if len(group.hits) < size}
        if not wanting:
            break
        known = models.HasIdCondition(has_id=[hit.id for group in found for hit in group.hits])
        rest = models.Filter(must=[_any_of(group_by, list(wanting.values()))], must_not=[known])
        more = [group for group in _widened(search, rest, group_by, len(found), size) if group.id in wanting]
        if not more:
            break
        for group in more:
            hits = wanting[group.id].hits
            hits += group.hits[: size - len(hits)]
    return found


def _widened(search: Search, where: models.Filter, group_by: str, groups: int, size: int) -> list[models.PointGroup]:
    limit = groups * size * _WIDER
    while True:
        hits = search(limit, where)
        found = _by_value(hits, group_by, size)
        complete = [group for group in found[:groups] if len(group.hits) == size]
        if len(hits) < limit or len(complete) == groups:
            return found[:groups]
        limit *= _WIDER


def _any_of(group_by: str, groups: Sequence[models.PointGroup]) -> models.Filter:
    """Return the points that belong to one of some groups."""
    alike: list[Any] = [[group.id for group in groups if type(group.id) is kind] for kind in (int, str)]
    return models.Filter(
        should=[models.FieldCondition(key=group_by, match=models.MatchAny(any=ids)) for ids in alike if ids]
    )


def looked_up(
    groups: Sequence[models.PointGroup],
    lookup: str | models.WithLookup,
    retrieve: Callable[..., Sequence[models.Record]],
) -> None:
    """Give each group the point that its value is the id of; none where the value is no id, or of no point.

    Args:
        groups: The groups.
        lookup: The collection that holds the points, and what of them is wanted.
        retrieve: Reads points of a collection by their ids.
    """
    lookup = models.WithLookup(collection=lookup) if isinstance(lookup, str) else lookup
    ids = {group.id: given for group in groups if (given := _as_point(group.id)) is not None}
    with_payload = True if lookup.with_payload is None else lookup.with_payload
    found = retrieve(lookup.collection, list(ids.values()), with_payload, lookup.with_vectors or False)
    records = {record.id: record for record in found}
    for group in groups:
        group.lookup = records.get(ids[group.id]) if group.id in ids else None


def wider(prefetch: Any, times: int) -> list[models.Prefetch]:
    """Return prefetches that bring `times` as many points, as a server has them bring for groups of that size."""
    given = prefetch if isinstance(prefetch, list) else [] if prefetch is None else [prefetch]
    return [
        stage.model_copy(
            update={
                "limit": times * (_PREFETCHED if stage.limit is None else stage.limit),
                "prefetch": wider(stage.prefetch, times) or None,
            }
        )
        for stage in (as_model(stage, models.Prefetch) for stage in given)
    ]


def _as_point(value: Any) -> int | str | None:
    try:
        return point_id(value)
    except StoreError:
        return None


def _by_value(hits: Sequence[models.ScoredPoint], group_by: str, size: int) -> list[models.PointGroup]:
    groups: dict[Any, models.PointGroup] = {}
    for hit in hits:
        values = value_by_key(hit.payload or {}, group_by) or []
        if any(type(value) not in (int, str) for value in values):  # a bool is an int, and no group
            continue
        for value in dict.fromkeys(values):
            group = groups.setdefault(value, models.PointGroup.model_construct(id=value, hits=[], lookup=None))
            if len(group.hits) < size:
                group.hits.append(hit)
    return list(groups.values())
