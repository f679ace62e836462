"""How many points have each value of a payload field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import models
from qdrant_client.local.payload_value_extractor import value_by_key

_PAGE = 1000
_KINDS = (bool, int, str)
_COUNTING = {
    edge.PayloadSchemaType.Bool,
    edge.PayloadSchemaType.Integer,
    edge.PayloadSchemaType.Keyword,
    edge.PayloadSchemaType.Uuid,
}


def counted(shard: edge.EdgeShard, key: str, where: Any, limit: int, exact: bool) -> list[models.FacetValueHit]:
    """Return the most frequent values, of equally many points the smaller value first.

    An index of the field is asked where there is one that counts; else all payloads are read, as a server does.

    Args:
        shard: The points.
        key: The field.
        where: The engine's filter, or None.
        limit: How many values to return at most.
        exact: Count what an index would estimate.
    """
    index = shard.info().payload_schema.get(key)
    if index is not None and index.data_type in _COUNTING:
        counts = {_tagged(hit.value): hit.count for hit in shard.facet(edge.FacetRequest(key, limit, exact, where))}
    else:
        counts = Counter(value for payload in _payloads(shard, key, where) for value in _values(payload, key))
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [models.FacetValueHit(value=value, count=count) for (_, value), count in best]


def _payloads(shard: edge.EdgeShard, key: str, where: Any) -> Iterator[dict[str, Any]]:
    offset: Any = None
    while True:
        request = edge.ScrollRequest(offset=offset, limit=_PAGE, filter=where, with_payload=[key], with_vector=False)
        found, offset = shard.scroll(request)
        yield from (point.payload or {} for point in found)
        if offset is None:
            return


def _values(payload: dict[str, Any], key: str) -> set[tuple[int, Any]]:
    """Return the values that one point counts for: texts, UUIDs in one spelling, integers and truths."""
    return {_tagged(value) for value in value_by_key(payload, key) or () if type(value) in _KINDS}


def _tagged(value: Any) -> tuple[int, Any]:
    """Return a value with a number for its kind, since 1 and true are equal in Python, and texts no numbers."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = str(UUID(value))
    return _KINDS.index(type(value)), value
