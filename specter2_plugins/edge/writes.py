"""Points on their way in."""

from __future__ import annotations

import itertools
import reprlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.edge import configuration
from specter2_plugins.edge.collection import Collection
from specter2_plugins.edge.conversions import point_id, to_edge, to_filter
from specter2_plugins.edge.limits import path_depth
from specter2_plugins.edge.operations import DONE, Operations
from specter2_plugins.edge.points import to_payload, to_point_vectors, to_points, unbatched
from specter2_plugins.edge.reads import Reads
from specter2_plugins.edge.store import Store
from specter2_plugins.errors import StoreError

_UPLOAD_BATCH = 64
_MOST_SHOWN = 3
_ID = 16  # bytes of a point's id


class Writes(Operations, Reads):
    """The calls of `QdrantClient` that change points."""

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
        return [DONE] * len(prepared.writes)

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


class _Prepared(Writes):
    """Writes that are checked, and kept for later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes: list[tuple[Collection, edge.UpdateOperation, int, int]] = []

    def _write(self, collection: Collection, update: edge.UpdateOperation, points: int, size: int) -> None:
        self.writes.append((collection, update, points, size))


def _selector(selector: Any) -> Any:
    """Return a filter, or the ids of points."""
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
