"""Hits by the value of a payload field, which the engine leaves to its caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qdrant_client import models
from qdrant_client.local.payload_value_extractor import value_by_key

_WIDER = 4


def grouped(
    search: Callable[[int], Sequence[models.ScoredPoint]], group_by: str, groups: int, size: int
) -> list[models.PointGroup]:
    """The best groups, each with its best hits.

    Args:
        search: A limit -> that many hits with their payloads, best first; a larger limit only adds to the end.
        group_by: The payload field.
        groups: How many groups to return.
        size: How many hits a group has at most.
    """
    limit = groups * size * _WIDER
    while True:
        hits = search(limit)
        found = _by_value(hits, group_by, size)
        complete = [group for group in found[:groups] if len(group.hits) == size]
        if len(hits) < limit or len(complete) == groups:
            return found[:groups]
        limit *= _WIDER


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
