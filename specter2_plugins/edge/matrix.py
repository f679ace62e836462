"""Distances among a random sample of points, which the engine leaves to its caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qdrant_client import models

from specter2_plugins.edge.configuration import DEFAULT_VECTOR
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.edge.refusals import require_at_least

Query = Callable[[Sequence[models.QueryRequest]], Sequence[Any]]
"""Answers several queries of one collection, each with its `points`."""


def nearest_of_sample(
    query: Query, using: str | None, query_filter: Any, sample: int, limit: int
) -> list[tuple[Any, Sequence[models.ScoredPoint]]]:
    """Return the ids of some random points, in their order, each with the nearest of the others.

    Args:
        query: The collection.
        using: The vector to compare, None for the one without a name.
        query_filter: Points to draw from.
        sample: How many to draw at most.
        limit: How many neighbours each has at most.
    """
    require_at_least(2, sample=sample)
    require_at_least(1, limit=limit)
    given = as_model(query_filter, models.Filter)
    has_vector = models.HasVectorCondition(has_vector=using or DEFAULT_VECTOR)
    where = models.Filter(must=[has_vector] if given is None else [given, has_vector])
    draw = models.QueryRequest(query=models.SampleQuery(sample=models.Sample.RANDOM), filter=where, limit=sample)
    ids = sorted((point.id for point in query([draw])[0].points), key=lambda id: (isinstance(id, str), id))
    if len(ids) < 2:
        return []
    requests = [
        models.QueryRequest(
            query=models.NearestQuery(nearest=id),
            using=using,
            filter=models.Filter(must=[models.HasIdCondition(has_id=[other for other in ids if other != id])]),
            limit=limit,
        )
        for id in ids
    ]
    return [(id, found.points) for id, found in zip(ids, query(requests), strict=True)]
