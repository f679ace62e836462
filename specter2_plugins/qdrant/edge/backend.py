"""qdrant-client's interface on the engine's shards."""

from __future__ import annotations

import itertools
import reprlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from qdrant_client import models
from qdrant_client.http.models import QueryResponse  # models has another one, of fastembed

from specter2_plugins.errors import StoreError, one_line
from specter2_plugins.qdrant.edge import configuration
from specter2_plugins.qdrant.edge.collection import Collection
from specter2_plugins.qdrant.edge.conversions import (
    index_schema,
    payload_schema,
    payload_selector,
    point_id,
    record,
    scored_point,
    to_edge,
    to_filter,
    vector_selector,
)
from specter2_plugins.qdrant.edge.groups import grouped
from specter2_plugins.qdrant.edge.limits import check_alias_name, path_depth
from specter2_plugins.qdrant.edge.points import to_payload, to_point_vectors, to_points, unbatched
from specter2_plugins.qdrant.edge.queries import to_order_by, to_request
from specter2_plugins.qdrant.edge.refusals import ServerCalls, refuse_options, require_at_least, unsupported
from specter2_plugins.qdrant.edge.store import Store

_UPLOAD_BATCH = 64
_MOST_SHOWN = 3
_ID = 16  # bytes of a point's id
_DONE = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


class EdgeBackend(ServerCalls):
    """Collections on disk, each a shard of Qdrant's engine in this process.

    The calls, their arguments and their results are those of `QdrantClient`.

    Args:
        path: The store's folder; made if it is not there.

    Raises:
        RuntimeError: If another client has the folder open.
        StoreError: If the folder holds something else than a store.
        OSError: If the folder cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self._store = Store(Path(path))

    # collections

    def create_collection(
        self,
        collection_name: str,
        vectors_config: models.VectorParams | Mapping[str, models.VectorParams] | None = None,
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        **options: Any,
    ) -> bool:
        """Make a collection."""
        config = _created("create_collection", vectors_config, sparse_vectors_config, options)
        self._store.create(collection_name, config)
        return True

    def recreate_collection(
        self,
        collection_name: str,
        vectors_config: models.VectorParams | Mapping[str, models.VectorParams] | None = None,
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        **options: Any,
    ) -> bool:
        """Make a collection and delete the one of its name, if there is one, once that has worked."""
        config = _created("recreate_collection", vectors_config, sparse_vectors_config, options)
        self._store.create(collection_name, config, replace=True)
        return True

    def delete_collection(self, collection_name: str, **options: Any) -> bool:
        """Delete a collection."""
        refuse_options("delete_collection", options)
        return self._store.delete(collection_name)

    def update_collection(self, collection_name: str, **options: Any) -> bool:
        """Change a collection's configuration; its indexes follow before this returns."""
        collection = self._store[collection_name]
        changes = {name: value for name, value in options.items() if value is not None and name != "timeout"}
        if "metadata" in changes:
            changes["metadata"] = {
                **dict.fromkeys(key for key, value in changes["metadata"].items() if value is None),
                **to_payload(changes["metadata"], "the collection's metadata").items,
            }
        config = configuration.updated(collection.config, changes)
        if changes.keys() <= {"metadata"}:
            collection.save_config(config)
        else:
            collection.reconfigure(config)
        return bool(changes)

    def get_collection(self, collection_name: str, **options: Any) -> models.CollectionInfo:
        """A collection's size and configuration. Nothing is built behind the caller's back, so it is always green."""
        refuse_options("get_collection", options)
        collection = self._store[collection_name]
        with collection.shard() as shard:
            info = shard.info()
        return models.CollectionInfo(
            status=models.CollectionStatus.GREEN,
            optimizer_status=models.OptimizersStatusOneOf.OK,
            points_count=info.points_count,
            indexed_vectors_count=info.indexed_vectors_count,
            segments_count=info.segments_count,
            payload_schema=payload_schema(info.payload_schema),
            config=configuration.reported(collection.config),
        )

    def get_collections(self, **options: Any) -> models.CollectionsResponse:
        """The names of the collections."""
        refuse_options("get_collections", options)
        return models.CollectionsResponse(
            collections=[models.CollectionDescription(name=name) for name in self._store.names]
        )

    def collection_exists(self, collection_name: str, **options: Any) -> bool:
        """Whether there is a collection with this name or alias."""
        refuse_options("collection_exists", options)
        return collection_name in self._store

    def optimize(self, collection_name: str) -> None:
        """Index what was written and clear what was deleted, as the collection's thresholds say."""
        self._store[collection_name].optimize()

    def create_payload_index(
        self,
        collection_name: str,
        field_name: str,
        field_schema: Any = None,
        field_type: Any = None,
        **options: Any,
    ) -> models.UpdateResult:
        """Index a payload field."""
        schema = index_schema(field_type if field_schema is None else field_schema)
        path_depth(field_name, "the payload index")
        return self._update(collection_name, "create_field_index", (field_name, schema), options)

    def delete_payload_index(self, collection_name: str, field_name: str, **options: Any) -> models.UpdateResult:
        """Delete the index of a payload field."""
        return self._update(collection_name, "delete_field_index", (field_name,), options)

    # aliases

    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations], **options: Any
    ) -> bool:
        """Create, delete and rename aliases, all or none."""
        refuse_options("update_collection_aliases", options)
        aliases, names = dict(self._store.aliases), self._store.names
        for operation in change_aliases_operations:
            if isinstance(operation, models.DeleteAliasOperation):
                aliases.pop(operation.delete_alias.alias_name, None)
                continue
            if isinstance(operation, models.CreateAliasOperation):
                alias, target = operation.create_alias.alias_name, operation.create_alias.collection_name
            else:
                alias, old = operation.rename_alias.new_alias_name, operation.rename_alias.old_alias_name
                if old not in aliases:
                    raise StoreError(f"Alias {old} does not exist")
                target = aliases.pop(old)
            check_alias_name(alias)
            if target not in names:
                raise StoreError(f"Collection {target} not found")
            if alias in names:
                raise StoreError(f"Collection {alias} already exists")
            aliases[alias] = target
        self._store.save_aliases(aliases)
        return True

    def get_aliases(self, **options: Any) -> models.CollectionsAliasesResponse:
        """All aliases."""
        refuse_options("get_aliases", options)
        self._store.check_open()
        return models.CollectionsAliasesResponse(
            aliases=[
                models.AliasDescription(alias_name=alias, collection_name=name)
                for alias, name in self._store.aliases.items()
            ]
        )

    def get_collection_aliases(self, collection_name: str, **options: Any) -> models.CollectionsAliasesResponse:
        """A collection's aliases."""
        aliases = self.get_aliases(**options).aliases
        return models.CollectionsAliasesResponse(
            aliases=[alias for alias in aliases if alias.collection_name == collection_name]
        )

    # points in

    def upsert(
        self,
        collection_name: str,
        points: Any,
        update_filter: models.Filter | None = None,
        update_mode: models.UpdateMode | None = None,
        **options: Any,
    ) -> models.UpdateResult:
        """Write points, each in place of the one with its id."""
        converted, size = to_points(unbatched(points), self._store[collection_name].config)
        arguments = (converted, to_filter(update_filter), to_edge(update_mode))
        return self._update(collection_name, "upsert_points", arguments, options, points=len(converted), size=size)

    def upload_points(
        self, collection_name: str, points: Iterable[Any], batch_size: int = _UPLOAD_BATCH, **options: Any
    ) -> None:
        """Write points in batches; the points are read as they are needed."""
        remaining = iter(points)
        while batch := list(itertools.islice(remaining, batch_size)):
            self.upsert(collection_name, batch, **options)

    def upload_collection(
        self,
        collection_name: str,
        vectors: Any,
        payload: Iterable[dict[Any, Any]] | None = None,
        ids: Iterable[Any] | None = None,
        **options: Any,
    ) -> None:
        """Write vectors with their payloads, in batches; random ids are made where none are given."""
        rows = _rows(vectors) if isinstance(vectors, dict) else vectors
        ids = (str(uuid.uuid4()) for _ in itertools.count()) if ids is None else ids
        payload = itertools.repeat({}) if payload is None else payload
        points = (
            models.PointStruct.model_construct(id=given, vector=row, payload=fields)
            for given, row, fields in zip(ids, rows, payload, strict=False)
        )
        self.upload_points(collection_name, points, **options)

    def update_vectors(
        self,
        collection_name: str,
        points: Sequence[models.PointVectors],
        update_filter: models.Filter | None = None,
        **options: Any,
    ) -> models.UpdateResult:
        """Replace some vectors of points."""
        converted, size = to_point_vectors(points, self._store[collection_name].config)
        arguments = (converted, to_filter(update_filter))
        return self._update(collection_name, "update_vectors", arguments, options, points=len(converted), size=size)

    def delete_vectors(
        self, collection_name: str, vectors: Sequence[str], points: Any, **options: Any
    ) -> models.UpdateResult:
        """Delete some vectors of points."""
        config = self._store[collection_name].config
        unknown = set(vectors) - configuration.vector_params(config).keys() - (config.sparse_vectors or {}).keys()
        if unknown or not vectors:
            raise StoreError(f"there is no vector {min(unknown)!r}" if unknown else "no vector is named to delete")
        return self._update_selected(collection_name, "delete_vectors", points, (list(vectors),), options)

    def delete(self, collection_name: str, points_selector: Any, **options: Any) -> models.UpdateResult:
        """Delete points."""
        return self._update_selected(collection_name, "delete_points", points_selector, (), options)

    def set_payload(
        self, collection_name: str, payload: Mapping[str, Any], points: Any, key: str | None = None, **options: Any
    ) -> models.UpdateResult:
        """Set fields of payloads and keep the others."""
        return self._update_payload(collection_name, "set_payload", payload, points, key, options)

    def overwrite_payload(
        self, collection_name: str, payload: Mapping[str, Any], points: Any, key: str | None = None, **options: Any
    ) -> models.UpdateResult:
        """Replace payloads."""
        return self._update_payload(collection_name, "overwrite_payload", payload, points, key, options)

    def delete_payload(
        self, collection_name: str, keys: Sequence[str], points: Any, **options: Any
    ) -> models.UpdateResult:
        """Delete fields of payloads."""
        for key in keys:
            path_depth(key, "delete_payload")
        return self._update_selected(collection_name, "delete_payload", points, (list(keys),), options)

    def clear_payload(self, collection_name: str, points_selector: Any, **options: Any) -> models.UpdateResult:
        """Delete payloads."""
        return self._update_selected(collection_name, "clear_payload", points_selector, (), options)

    def batch_update_points(
        self, collection_name: str, update_operations: Sequence[models.UpdateOperation], **options: Any
    ) -> list[models.UpdateResult]:
        """Apply operations one after another, once each of them is known to fit."""
        prepared = _Prepared(self._store)
        for operation in update_operations:
            ((call, content),) = operation
            getattr(prepared, call)(collection_name, **_OPERATIONS[call](content), **options)
        for write in prepared.writes:
            self._write(*write)
        return [_DONE] * len(prepared.writes)

    # points out

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
            found = shard.query_batch(edge.QueryBatchRequest(converted))
        return [
            QueryResponse.model_construct(points=[scored_point(point, query.with_vector) for point in hits])
            for query, hits in zip(converted, found, strict=True)
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

        def search(wanted: int) -> list[models.ScoredPoint]:
            return self.query_points(
                collection_name,
                query,
                using,
                prefetch,
                query_filter,
                search_params,
                limit=wanted,
                with_vectors=with_vectors,
                score_threshold=score_threshold,
                lookup_from=lookup_from,
                **options,
            ).points

        groups = grouped(search, group_by, limit, group_size)
        hits = {hit.id: hit for group in groups for hit in group.hits}
        selected = self.retrieve(collection_name, list(hits), with_payload=with_payload)
        for stored in selected:
            hits[stored.id].payload = stored.payload
        if with_lookup is not None:
            lookup = models.WithLookup(collection=with_lookup) if isinstance(with_lookup, str) else with_lookup
            for group in groups:
                group.lookup = self._looked_up(group.id, lookup)
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
        request = edge.ScrollRequest(
            offset=None if offset is None else point_id(offset),
            limit=limit,
            filter=to_filter(scroll_filter),
            with_payload=payload_selector(with_payload),
            with_vector=vector_selector(with_vectors),
            order_by=None if order_by is None else to_order_by(order_by),
        )
        with self._store[collection_name].shard() as shard:
            found, following = shard.scroll(request)
        return [record(point) for point in found], None if following is None else point_id(following)

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
        with self._store[collection_name].shard() as shard:
            found = shard.retrieve(wanted, payload_selector(with_payload), vector_selector(with_vectors))
        return [record(point) for point in found]

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
        """Count points by the values of an indexed payload field."""
        refuse_options("facet", options)
        require_at_least(1, limit=limit)
        with self._store[collection_name].shard() as shard:
            found = shard.facet(edge.FacetRequest(key, limit, exact, to_filter(facet_filter)))
        return models.FacetResponse(hits=[models.FacetValueHit(value=hit.value, count=hit.count) for hit in found])

    def info(self) -> models.VersionInfo:
        """The engine and its version."""
        return models.VersionInfo(title="qdrant edge", version=metadata.version("qdrant-edge-py"), commit=None)

    def close(self, *, index: bool = True, **options: Any) -> None:
        """Index what is worth it, flush, and let others open the folder.

        Args:
            index: False leaves what was written since the last indexing to a linear scan.
            options: What `QdrantClient.close` takes for servers.
        """
        refuse_options("close", options)
        self._store.close(index=index)

    def _update(
        self,
        collection: str,
        operation: str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        points: int = 0,
        size: int = 0,
    ) -> models.UpdateResult:
        refuse_options(operation, options)
        try:
            update = getattr(edge.UpdateOperation, operation)(*arguments)
        except (TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"{operation}: {one_line(error)}") from None
        self._write(self._store[collection], update, points, size)
        return _DONE

    def _write(self, collection: Collection, update: edge.UpdateOperation, points: int, size: int) -> None:
        collection.update(update, points, size)

    def _update_selected(
        self,
        collection: str,
        operation: str,
        selector: Any,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        size: int = 0,
    ) -> models.UpdateResult:
        """Update points by their ids or a filter, with a number of bytes for each."""
        selector = _selector(selector)
        if isinstance(selector, models.Filter):
            size *= self.count(collection, selector).count if size else 0
            return self._update(
                collection, f"{operation}_by_filter", (to_filter(selector), *arguments), options, size=size
            )
        ids = [point_id(given) for given in selector]
        if not ids:
            raise StoreError("Empty update request")
        return self._update(collection, operation, (ids, *arguments), options, size=(size + _ID) * len(ids))

    def _update_payload(
        self,
        collection: str,
        operation: str,
        payload: Mapping[str, Any],
        points: Any,
        key: str | None,
        options: Mapping[str, Any],
    ) -> models.UpdateResult:
        selector = _selector(points)
        who = "the points of a filter" if isinstance(selector, models.Filter) else _shown(selector)
        fields, size = to_payload(payload, f"{operation} of {who}", key)
        return self._update_selected(collection, operation, selector, (fields, key), options, size)

    def _looked_up(self, group: Any, lookup: models.WithLookup) -> models.Record | None:
        with_payload = True if lookup.with_payload is None else lookup.with_payload
        found = self.retrieve(lookup.collection, [group], with_payload, lookup.with_vectors or False)
        return found[0] if found else None


class _Prepared(EdgeBackend):
    """Writes that are checked, and kept for later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes: list[tuple[Collection, edge.UpdateOperation, int, int]] = []

    def _write(self, collection: Collection, update: edge.UpdateOperation, points: int, size: int) -> None:
        self.writes.append((collection, update, points, size))


def _created(call: str, vectors: Any, sparse_vectors: Any, options: dict[str, Any]) -> models.CreateCollection:
    """The configuration of a collection that is to be made."""
    known = {name: options.pop(name, None) for name in models.CreateCollection.model_fields if name in options}
    refuse_options(call, options)
    if known.get("metadata"):
        known["metadata"] = to_payload(known["metadata"], "the collection's metadata").items
    config = models.CreateCollection(
        vectors=dict(vectors) if isinstance(vectors, Mapping) else vectors,
        sparse_vectors=None if sparse_vectors is None else dict(sparse_vectors),
        **known,
    )
    configuration.check(config)
    return config


def _selector(selector: Any) -> Any:
    """A filter, or the ids of points."""
    if isinstance(selector, models.FilterSelector):
        return selector.filter
    if isinstance(selector, models.Filter):
        return selector
    return list(getattr(selector, "points", selector))


def _shown(ids: Sequence[Any]) -> str:
    first = ", ".join(map(reprlib.repr, ids[:_MOST_SHOWN]))
    more = f" and {len(ids) - _MOST_SHOWN:,} more" if len(ids) > _MOST_SHOWN else ""
    return f"point{'s' * (len(ids) > 1)} {first}{more}"


def _rows(columns: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    if len({len(column) for column in columns.values()}) > 1:
        raise StoreError("Each named vector should have the same number of vectors")
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _selected(content: Any) -> Any:
    return content.filter if content.points is None else content.points


_OPERATIONS: dict[str, Any] = {
    "upsert": lambda content: {
        "points": content,
        "update_filter": content.update_filter,
        "update_mode": content.update_mode,
    },
    "delete": lambda content: {"points_selector": content},
    "set_payload": lambda content: {"payload": content.payload, "points": _selected(content), "key": content.key},
    "overwrite_payload": lambda content: {"payload": content.payload, "points": _selected(content), "key": content.key},
    "delete_payload": lambda content: {"keys": content.keys, "points": _selected(content)},
    "clear_payload": lambda content: {"points_selector": content},
    "update_vectors": lambda content: {"points": content.points, "update_filter": content.update_filter},
    "delete_vectors": lambda content: {"vectors": content.vector, "points": _selected(content)},
}
"""The operations of a batch: what each holds -> the arguments of the call of its name."""
