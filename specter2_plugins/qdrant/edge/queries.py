"""Queries as a server takes them -> as the engine takes them: stored points' ids become their vectors."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge.collection import Collection
from specter2_plugins.qdrant.edge.configuration import DEFAULT_VECTOR
from specter2_plugins.qdrant.edge.conversions import (
    expression,
    payload_selector,
    point_id,
    to_edge,
    to_filter,
    vector_selector,
)
from specter2_plugins.qdrant.edge.refusals import require_at_least, unsupported
from specter2_plugins.qdrant.edge.store import Store

# A server's defaults.
_LIMIT = 10
_RRF_K = 2
_DIVERSITY = 0.5


@dataclass
class _Examples:
    """The examples of one query as vectors. Points of the same collection that are named are not among its hits."""

    source: Collection
    vector_name: str
    same_collection: bool
    using: str
    limit: int
    named: list[int | str] = field(default_factory=list)

    def vector(self, example: Any) -> Any:
        """The engine's vector of an example: a vector, or the id of a stored point."""
        if isinstance(example, (int, str, uuid.UUID)):
            return self._stored(point_id(example))
        if isinstance(example, models.SparseVector):
            return to_edge(example)
        if isinstance(example, (list, np.ndarray)):
            return np.asarray(example, dtype=np.float32)
        raise unsupported(f"{type(example).__name__} as an example")

    def vectors(self, examples: Iterable[Any] | None) -> list[Any]:
        """The engine's vectors of several examples."""
        return [self.vector(example) for example in examples or ()]

    def pairs(self, context: Any) -> list[edge.ContextPair]:
        """The engine's pairs of a context."""
        pairs = context if isinstance(context, list) else [context]
        return [edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative)) for pair in pairs]

    def _stored(self, given: int | str) -> Any:
        with self.source.shard() as shard:
            found = shard.retrieve([given], False, [self.vector_name])
        if not found:
            raise StoreError(f"Point {given} is not found in the collection")
        vector: Any = found[0].vector
        if isinstance(vector, dict):
            vector = vector.get(self.vector_name)
        if vector is None:
            raise StoreError(f"Point {given} has no vector {self.vector_name!r}")
        if self.same_collection:
            self.named.append(given)
        return vector


def to_request(store: Store, collection: str, request: models.QueryRequest) -> edge.QueryRequest:
    """A query for the engine.

    Args:
        store: Where points that the query names are looked up.
        collection: The name of the collection that is searched.
        request: The query; `model_construct`ed is enough.

    Raises:
        StoreError: If a point is named that is not there, or the parts of the query do not go together.
        UnsupportedError: If the engine has no such query.
    """
    if request.prefetch and request.query is None:
        raise StoreError("A query is needed to merge the prefetches.")
    limit = _LIMIT if request.limit is None else request.limit
    offset = request.offset or 0
    require_at_least(1, limit=limit)
    require_at_least(0, offset=offset)
    return edge.QueryRequest(
        limit=limit,
        offset=offset,
        with_payload=payload_selector(request.with_payload),
        with_vector=vector_selector(request.with_vector),
        **_stage(store, collection, request, limit),
    )


def _stage(store: Store, collection: str, stage: models.QueryRequest | models.Prefetch, limit: int) -> dict[str, Any]:
    """What a query and each of its prefetches have in common."""
    using = stage.using or DEFAULT_VECTOR
    lookup = stage.lookup_from
    examples = _Examples(
        source=store[lookup.collection if lookup else collection],
        vector_name=using if lookup is None or lookup.vector is None else lookup.vector,
        same_collection=lookup is None or store[lookup.collection] is store[collection],
        using=using,
        limit=limit,
    )
    query = None if stage.query is None else _query(stage.query, examples)
    return {
        "query": query,
        "prefetches": [_prefetch(store, collection, prefetch) for prefetch in _listed(stage.prefetch)],
        "filter": _without(stage.filter, examples.named),
        "params": to_edge(stage.params),
        "score_threshold": stage.score_threshold,
    }


def _prefetch(store: Store, collection: str, prefetch: models.Prefetch) -> edge.Prefetch:
    limit = _LIMIT if prefetch.limit is None else prefetch.limit
    return edge.Prefetch(limit=limit, **_stage(store, collection, prefetch, limit))


def _query(query: Any, examples: _Examples) -> Any:
    build = _QUERIES.get(type(query))
    return build(query, examples) if build else edge.Query.Nearest(examples.vector(query), using=examples.using)


def _nearest(query: models.NearestQuery, examples: _Examples) -> Any:
    vector = examples.vector(query.nearest)
    if query.mmr is None:
        return edge.Query.Nearest(vector, using=examples.using)
    diversity = _DIVERSITY if query.mmr.diversity is None else query.mmr.diversity
    candidates = examples.limit if query.mmr.candidates_limit is None else query.mmr.candidates_limit
    return edge.Mmr(vector, 1 - diversity, candidates, using=examples.using)


def _recommend(query: models.RecommendQuery, examples: _Examples) -> Any:
    given = query.recommend
    positives, negatives = examples.vectors(given.positive), examples.vectors(given.negative)
    if given.strategy in (None, models.RecommendStrategy.AVERAGE_VECTOR):
        if not positives:
            raise StoreError("Positive list is empty")
        return edge.Query.Nearest(_average(positives, negatives), using=examples.using)
    if not positives and not negatives:
        raise StoreError("No positive or negative examples given")
    best = given.strategy == models.RecommendStrategy.BEST_SCORE
    recommend = edge.Query.RecommendBestScore if best else edge.Query.RecommendSumScores
    return recommend(edge.RecommendQuery(positives, negatives), using=examples.using)


def _discover(query: models.DiscoverQuery, examples: _Examples) -> Any:
    target = examples.vector(query.discover.target)
    pairs = examples.pairs(query.discover.context)
    return edge.Query.Discover(edge.DiscoverQuery(target, pairs), using=examples.using)


def _context(query: models.ContextQuery, examples: _Examples) -> Any:
    return edge.Query.Context(edge.ContextQuery(examples.pairs(query.context)), using=examples.using)


def _feedback(query: models.RelevanceFeedbackQuery, examples: _Examples) -> Any:
    given = query.relevance_feedback
    items = [edge.FeedbackItem(examples.vector(item.example), item.score) for item in given.feedback]
    feedback = edge.FeedbackNaiveQuery(examples.vector(given.target), items, to_edge(given.strategy))
    return edge.Query.FeedbackNaive(feedback, using=examples.using)


def _order_by(query: models.OrderByQuery, examples: _Examples) -> Any:
    return to_order_by(query.order_by)


def _fusion(query: models.FusionQuery, examples: _Examples) -> Any:
    return edge.Fusion.Dbsf() if query.fusion == models.Fusion.DBSF else edge.Fusion.Rrf(_RRF_K)


def _rrf(query: models.RrfQuery, examples: _Examples) -> Any:
    return edge.Fusion.Rrf(_RRF_K if query.rrf.k is None else query.rrf.k, query.rrf.weights)


def _formula(query: models.FormulaQuery, examples: _Examples) -> Any:
    return edge.Formula(expression(query.formula), query.defaults)


def _sample(query: models.SampleQuery, examples: _Examples) -> Any:
    return to_edge(query.sample)


def _text(query: models.TextQuery, examples: _Examples) -> Any:
    given = query.text if isinstance(query.text, models.TextQueryInput) else models.TextQueryInput(query=query.text)
    return edge.TextQuery(examples.using, given.query, scoring=to_edge(given.scoring.bm25) if given.scoring else None)


_QUERIES: dict[type, Callable[[Any, _Examples], Any]] = {
    models.ContextQuery: _context,
    models.DiscoverQuery: _discover,
    models.FormulaQuery: _formula,
    models.FusionQuery: _fusion,
    models.NearestQuery: _nearest,
    models.OrderByQuery: _order_by,
    models.RecommendQuery: _recommend,
    models.RelevanceFeedbackQuery: _feedback,
    models.RrfQuery: _rrf,
    models.SampleQuery: _sample,
    models.TextQuery: _text,
}


def to_order_by(order_by: str | models.OrderBy) -> edge.OrderBy:
    """What to order by: a field, or a field with a direction and a start."""
    return edge.OrderBy(order_by) if isinstance(order_by, str) else to_edge(order_by)


def _without(given: models.Filter | None, ids: Sequence[int | str]) -> Any:
    if not ids:
        return to_filter(given)
    named = models.HasIdCondition(has_id=list(ids))
    must_not = [*_listed(given.must_not), named] if given else [named]
    return to_filter((given or models.Filter()).model_copy(update={"must_not": must_not}))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _average(positives: Sequence[Any], negatives: Sequence[Any]) -> Any:
    """The point to look around: the mean of the positives, moved away from the mean of the negatives."""
    if isinstance(positives[0], edge.SparseVector):
        return _sparse_average(positives, negatives)
    if np.ndim(positives[0]) == 2:  # multivectors: all their vectors, the negatives' turned round
        return np.concatenate([*positives, *(-np.asarray(negative) for negative in negatives)]).astype(np.float32)
    mean = np.mean(positives, axis=0)
    return (2 * mean - np.mean(negatives, axis=0) if negatives else mean).astype(np.float32)


def _sparse_average(positives: Sequence[edge.SparseVector], negatives: Sequence[edge.SparseVector]) -> Any:
    sums: dict[int, float] = defaultdict(float)
    for vectors, weight in ((positives, 2.0 if negatives else 1.0), (negatives, -1.0)):
        for vector in vectors:
            for index, value in zip(vector.indices, vector.values, strict=True):
                sums[index] += weight * value / len(vectors)
    return edge.SparseVector(list(sums), list(sums.values()))
