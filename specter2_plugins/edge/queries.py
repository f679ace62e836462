"""Queries as a server takes them -> as the engine takes them: stored points' ids become their vectors."""

from __future__ import annotations

import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.edge import limits
from specter2_plugins.edge.collection import Collection
from specter2_plugins.edge.configuration import DEFAULT_VECTOR, vector_params
from specter2_plugins.edge.conversions import (
    payload_selector,
    point_id,
    to_edge,
    to_filter,
    vector_selector,
)
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.edge.diversity import chosen
from specter2_plugins.edge.expressions import expression
from specter2_plugins.edge.points import to_vector
from specter2_plugins.edge.refusals import require_at_least, taken, unsupported
from specter2_plugins.edge.results import scored_point
from specter2_plugins.edge.store import Store
from specter2_plugins.errors import StoreError, one_line

# A server's defaults.
_LIMIT = 10
_RRF_K = 2
_DIVERSITY = 0.5
_MOST_CANDIDATES = 16_384


@dataclass
class _Examples:
    """The examples of one query as vectors. Points of the same collection that are named are not among its hits."""

    source: Collection
    vector_name: str
    same_collection: bool
    using: str
    params: models.VectorParams | None
    limit: int
    named: list[int | str] = field(default_factory=list)

    def vector(self, example: Any) -> Any:
        """Return the engine's vector of an example: a vector, or the id of a stored point."""
        if isinstance(example, (int, str, uuid.UUID)):
            return self._stored(point_id(example))
        if isinstance(example, models.SparseVector):
            return to_edge(example)
        if isinstance(example, (list, np.ndarray)):
            return self._fitting(example)
        raise unsupported(f"{type(example).__name__} as an example")

    def vectors(self, examples: Iterable[Any] | None) -> list[Any]:
        """Return the engine's vectors of several examples."""
        return [self.vector(example) for example in examples or ()]

    def pairs(self, context: Any) -> list[edge.ContextPair]:
        """Return the engine's pairs of a context."""
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
        return vector if isinstance(vector, edge.SparseVector) else self._fitting(vector)

    def _fitting(self, vector: Any) -> Any:
        """Return a dense vector, checked: the engine finds nothing for a NaN, where a server refuses it."""
        if self.params is None:
            raise StoreError(f"the collection has no dense vector {self.using!r} to compare a list of numbers with")
        try:
            single = self.params.multivector_config is not None and np.ndim(vector) == 1
            return to_vector([vector] if single else vector, self.params)
        except (TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"the query's vector for {self.using!r}: {one_line(error)}") from None


class Request(NamedTuple):
    """A query for the engine, and what is left to do with its hits.

    Args:
        query: The engine's query.
        with_vector: The vectors that hits are to have.
        diverse: The engine does not spread hits that sparse vectors found; how that is to be done with its candidates.
    """

    query: edge.QueryRequest
    with_vector: bool | list[str]
    diverse: _Diverse | None = None

    def hits(self, found: Sequence[edge.ScoredPoint]) -> list[models.ScoredPoint]:
        """Return the answer, of what the engine has found."""
        kept = found if self.diverse is None else self.diverse.of(found)
        return [scored_point(point, self.with_vector) for point in kept]


class _Diverse(NamedTuple):
    vector: edge.SparseVector
    using: str
    relevance_share: float
    limit: int
    offset: int

    def of(self, found: Sequence[edge.ScoredPoint]) -> list[edge.ScoredPoint]:
        vectors: list[Any] = [point.vector for point in found]
        if not vectors:
            return []
        candidates = [vector[self.using] for vector in vectors]
        order = chosen(self.vector, candidates, self.relevance_share, self.offset + self.limit)
        return [found[place] for place in order[self.offset :]]


def to_request(store: Store, collection: str, request: models.QueryRequest) -> Request:
    """Return a query for the engine.

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
    # A server takes no points away from the top of a random sample.
    offset = 0 if isinstance(request.query, models.SampleQuery) else request.offset or 0
    require_at_least(1, limit=limit)
    require_at_least(0, offset=offset)
    with_vector = wanted = vector_selector(request.with_vector)
    stage = _stage(store, collection, request, limit)
    diverse = None
    mmr: Any = stage["query"]
    if isinstance(mmr, edge.Mmr) and isinstance(mmr.vector, edge.SparseVector):
        diverse = _Diverse(mmr.vector, mmr.using or DEFAULT_VECTOR, mmr.lambda_, limit, offset)
        stage["query"] = edge.Query.Nearest(mmr.vector, using=mmr.using)
        limit, offset = mmr.candidates_limit, 0
        wanted = with_vector if with_vector is True else [*(with_vector or ()), diverse.using]
    with taken("the query"):
        query = edge.QueryRequest(
            limit=limit,
            offset=offset,
            with_payload=payload_selector(request.with_payload),
            with_vector=wanted,
            **stage,
        )
    return Request(query, with_vector, diverse)


def _stage(store: Store, collection: str, stage: models.QueryRequest | models.Prefetch, limit: int) -> dict[str, Any]:
    """Return what a query and each of its prefetches have in common."""
    using = stage.using or DEFAULT_VECTOR
    lookup = as_model(stage.lookup_from, models.LookupLocation)
    params = as_model(stage.params, models.SearchParams)
    limits.measured(params, "the search parameters")
    if stage.score_threshold is not None and not math.isfinite(stage.score_threshold):
        raise StoreError(f"score_threshold is {stage.score_threshold}, which is no number that JSON has")
    examples = _Examples(
        source=store[lookup.collection if lookup else collection],
        vector_name=using if lookup is None or lookup.vector is None else lookup.vector,
        same_collection=lookup is None or store[lookup.collection] is store[collection],
        using=using,
        params=vector_params(store[collection].config).get(using),
        limit=limit,
    )
    with taken("the query"):
        query = None if stage.query is None else _query(as_model(stage.query, models.Query), examples)
    return {
        "query": query,
        "prefetches": [_prefetch(store, collection, prefetch) for prefetch in _listed(stage.prefetch)],
        "filter": _without(as_model(stage.filter, models.Filter), examples.named),
        "params": to_edge(params),
        "score_threshold": stage.score_threshold,
    }


def _prefetch(store: Store, collection: str, given: models.Prefetch | dict[str, Any]) -> edge.Prefetch:
    prefetch: models.Prefetch = as_model(given, models.Prefetch)
    limit = _LIMIT if prefetch.limit is None else prefetch.limit
    require_at_least(1, limit=limit)
    stage = _stage(store, collection, prefetch, limit)
    if isinstance(stage["query"], edge.Mmr) and isinstance(stage["query"].vector, edge.SparseVector):
        raise unsupported("MMR over sparse vectors in a prefetch")
    with taken("the prefetch"):
        return edge.Prefetch(limit=limit, **stage)


def _query(query: Any, examples: _Examples) -> Any:
    build = _QUERIES.get(type(query))
    return build(query, examples) if build else edge.Query.Nearest(examples.vector(query), using=examples.using)


def _nearest(query: models.NearestQuery, examples: _Examples) -> Any:
    vector = examples.vector(query.nearest)
    if query.mmr is None:
        return edge.Query.Nearest(vector, using=examples.using)
    diversity = _DIVERSITY if query.mmr.diversity is None else query.mmr.diversity
    candidates = examples.limit if query.mmr.candidates_limit is None else query.mmr.candidates_limit
    if not 0 <= diversity <= 1:
        raise StoreError(f"the diversity of MMR is {diversity}, expected a number from 0 to 1")
    if query.mmr.candidates_limit is not None and candidates > _MOST_CANDIDATES:
        raise StoreError(f"MMR has {candidates:,} candidates, more than the {_MOST_CANDIDATES:,} of a server")
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
    limits.measured([given.strategy, [item.score for item in given.feedback]], "the feedback")
    items = [edge.FeedbackItem(examples.vector(item.example), item.score) for item in given.feedback]
    feedback = edge.FeedbackNaiveQuery(examples.vector(given.target), items, to_edge(given.strategy))
    return edge.Query.FeedbackNaive(feedback, using=examples.using)


def _order_by(query: models.OrderByQuery, examples: _Examples) -> Any:
    return to_order_by(query.order_by)


def _fusion(query: models.FusionQuery, examples: _Examples) -> Any:
    return edge.Fusion.Dbsf() if query.fusion == models.Fusion.DBSF else edge.Fusion.Rrf(_RRF_K)


def _rrf(query: models.RrfQuery, examples: _Examples) -> Any:
    k = _RRF_K if query.rrf.k is None else query.rrf.k
    require_at_least(1, **{"rrf k": k})
    limits.measured(query.rrf.weights, "the weights")
    return edge.Fusion.Rrf(k, query.rrf.weights)


def _formula(query: models.FormulaQuery, examples: _Examples) -> Any:
    limits.measured([query.formula, query.defaults], "the formula")
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
    """Return what to order by: a field, or a field with a direction and a start."""
    return edge.OrderBy(order_by) if isinstance(order_by, str) else to_edge(as_model(order_by, models.OrderBy))


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
    """Return the point to look around: the mean of the positives, moved away from the mean of the negatives."""
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
