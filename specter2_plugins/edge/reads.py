"""Points on their way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qdrant_edge as edge
from qdrant_client import models
from qdrant_client.http.models import QueryResponse  # models has another one, of fastembed

from specter2_plugins.edge.conversions import (
    payload_selector,
    point_id,
    to_filter,
    vector_selector,
)
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.edge.facets import counted
from specter2_plugins.edge.groups import grouped, looked_up, wider
from specter2_plugins.edge.matrix import Query, nearest_of_sample
from specter2_plugins.edge.queries import to_order_by, to_request
from specter2_plugins.edge.refusals import ServerCalls, refuse_options, require_at_least, taken, unsupported
from specter2_plugins.edge.results import record
from specter2_plugins.edge.store import Store
from specter2_plugins.errors import StoreError


class Reads(ServerCalls):
    """The calls of `QdrantClient` that find and read points."""

    _store: Store

    def query_points(
        self,
        collection_name: str,
        query: Any = None,
        using: str | None = None,
        prefetch: Any = None,
        query_filter: Any = None,
        search_params: Any = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: Any = True,
        with_vectors: Any = False,
        score_threshold: float | None = None,
        lookup_from: Any = None,
        **options: Any,
    ) -> QueryResponse:
        """Find points."""
        request = models.QueryRequest.model_construct(
            query=query,
            using=using,
            prefetch=prefetch,
            filter=query_filter,
            params=search_params,
            limit=limit,
            offset=offset,
            with_payload=with_payload,
            with_vector=with_vectors,
            score_threshold=score_threshold,
            lookup_from=lookup_from,
        )
        return self.query_batch_points(collection_name, [request], **options)[0]

    def query_batch_points(
        self, collection_name: str, requests: Sequence[models.QueryRequest], **options: Any
    ) -> list[QueryResponse]:
        """Find points by several queries at once."""
        refuse_options("query_points", options)
        if any(request.shard_key is not None for request in requests):
            raise unsupported("shard keys")
        converted = [to_request(self._store, collection_name, request) for request in requests]
        with self._store[collection_name].shard() as shard:
            found = shard.query_batch(edge.QueryBatchRequest([request.query for request in converted]))
        return [
            QueryResponse.model_construct(points=request.hits(hits))
            for request, hits in zip(converted, found, strict=True)
        ]

    def query_points_groups(
        self,
        collection_name: str,
        group_by: str,
        query: Any = None,
        using: str | None = None,
        prefetch: Any = None,
        query_filter: Any = None,
        search_params: Any = None,
        limit: int = 10,
        group_size: int = 3,
        with_payload: Any = True,
        with_vectors: Any = False,
        score_threshold: float | None = None,
        with_lookup: str | models.WithLookup | None = None,
        lookup_from: Any = None,
        **options: Any,
    ) -> models.GroupsResult:
        """Find points, grouped by a payload field.

        The groups are made of whole payloads here, then cut down to `with_payload`.
        """
        require_at_least(1, limit=limit, group_size=group_size)
        prefetch = wider(prefetch, group_size)
        given = as_model(query_filter, models.Filter)

        def search(limit: int, where: models.Filter) -> list[models.ScoredPoint]:
            return self.query_points(
                collection_name,
                query,
                using,
                prefetch,
                where if given is None else models.Filter(must=[given, where]),
                search_params,
                limit=limit,
                with_vectors=with_vectors,
                score_threshold=score_threshold,
                lookup_from=lookup_from,
                **options,
            ).points

        groups = grouped(search, group_by, limit, group_size, prefetched=bool(prefetch))
        hits = [hit for group in groups for hit in group.hits]
        stored = self.retrieve(collection_name, list({hit.id for hit in hits}), with_payload=with_payload)
        payloads = {record.id: record.payload for record in stored}
        for hit in hits:
            hit.payload = payloads.get(hit.id)
        if with_lookup is not None:
            looked_up(groups, as_model(with_lookup, models.WithLookup), self.retrieve)
        return models.GroupsResult.model_construct(groups=groups)

    def scroll(
        self,
        collection_name: str,
        scroll_filter: models.Filter | None = None,
        limit: int = 10,
        order_by: str | models.OrderBy | None = None,
        offset: Any = None,
        with_payload: Any = True,
        with_vectors: Any = False,
        **options: Any,
    ) -> tuple[list[models.Record], Any]:
        """Read points in the order of their ids or of a payload field."""
        refuse_options("scroll", options)
        require_at_least(1, limit=limit)
        if order_by is not None and offset is not None:
            raise StoreError("Offset is not supported in conjunction with `order_by` scroll parameter")
        selected = vector_selector(with_vectors)
        with taken("the scroll"):
            request = edge.ScrollRequest(
                offset=None if offset is None else point_id(offset),
                limit=limit,
                filter=to_filter(scroll_filter),
                with_payload=payload_selector(with_payload),
                with_vector=selected,
                order_by=None if order_by is None else to_order_by(order_by),
            )
        with self._store[collection_name].shard() as shard:
            found, following = shard.scroll(request)
        return [record(point, selected) for point in found], None if following is None else point_id(following)

    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[Any],
        with_payload: Any = True,
        with_vectors: Any = False,
        **options: Any,
    ) -> list[models.Record]:
        """Read points by their ids; those that are not there are left out."""
        refuse_options("retrieve", options)
        wanted: list[Any] = [point_id(given) for given in ids]
        selected = vector_selector(with_vectors)
        with self._store[collection_name].shard() as shard:
            found = shard.retrieve(wanted, payload_selector(with_payload), selected)
        return [record(point, selected) for point in found]

    def count(
        self, collection_name: str, count_filter: models.Filter | None = None, exact: bool = True, **options: Any
    ) -> models.CountResult:
        """Count points."""
        refuse_options("count", options)
        with self._store[collection_name].shard() as shard:
            return models.CountResult(count=shard.count(edge.CountRequest(exact, to_filter(count_filter))))

    def facet(
        self,
        collection_name: str,
        key: str,
        facet_filter: models.Filter | None = None,
        limit: int = 10,
        exact: bool = False,
        **options: Any,
    ) -> models.FacetResponse:
        """Count points by the values of a payload field, the most frequent first; without an index all are read."""
        refuse_options("facet", options)
        require_at_least(1, limit=limit)
        where = to_filter(facet_filter)
        with self._store[collection_name].shard() as shard, taken("the facet"):
            return models.FacetResponse(hits=counted(shard, key, where, limit, exact))

    def search_matrix_pairs(
        self,
        collection_name: str,
        query_filter: models.Filter | None = None,
        limit: int = 3,
        sample: int = 10,
        using: str | None = None,
        **options: Any,
    ) -> models.SearchMatrixPairsResponse:
        """Draw points at random and find the nearest of them to each, as pairs."""
        nearest = nearest_of_sample(self._query(collection_name, options), using, query_filter, sample, limit)
        pairs = [
            models.SearchMatrixPair(a=id, b=other.id, score=other.score) for id, others in nearest for other in others
        ]
        return models.SearchMatrixPairsResponse(pairs=pairs)

    def search_matrix_offsets(
        self,
        collection_name: str,
        query_filter: models.Filter | None = None,
        limit: int = 3,
        sample: int = 10,
        using: str | None = None,
        **options: Any,
    ) -> models.SearchMatrixOffsetsResponse:
        """Draw points at random and find the nearest of them to each, as a sparse matrix."""
        nearest = nearest_of_sample(self._query(collection_name, options), using, query_filter, sample, limit)
        ids = [id for id, _ in nearest]
        entries = [(row, ids.index(other.id), other.score) for row, (_, hits) in enumerate(nearest) for other in hits]
        rows, columns, scores = (list(part) for part in zip(*entries, strict=True)) if entries else ([], [], [])
        return models.SearchMatrixOffsetsResponse(ids=ids, offsets_row=rows, offsets_col=columns, scores=scores)

    def _query(self, collection: str, options: Mapping[str, Any]) -> Query:
        return lambda requests: self.query_batch_points(collection, requests, **options)
