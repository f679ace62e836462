"""A collection as data, its settings and its points, so that it can be made again under another name or elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.edge import EdgeClient
from specter2_plugins.errors import StoreError
from specter2_plugins.store.faults import Retries
from specter2_plugins.store.layout import collection_info

_PAGE = 128

# What of a collection's settings `create_collection` takes, each with the type it has there.
_SETTINGS: Mapping[str, Any] = {
    "hnsw_config": models.HnswConfigDiff,
    "optimizers_config": models.OptimizersConfigDiff,
    "quantization_config": models.QuantizationConfig,
    "vectors_config": dict[str, models.VectorParams] | models.VectorParams,
    "sparse_vectors_config": dict[str, models.SparseVectorParams],
    "shard_number": int,
    "replication_factor": int,
    "write_consistency_factor": int,
    "on_disk_payload": bool,
    "metadata": dict[str, Any],
}
_OF_A_CLUSTER = ("shard_number", "replication_factor", "write_consistency_factor")

_log = logging.getLogger(__name__)


def settings_of(client: QdrantBase, name: str) -> dict[str, Any]:
    """Return a collection's settings and payload indexes as JSON holds them.

    Raises:
        StoreError: If there is no such collection, or it has vectors of several rows, which no paper has.
    """
    info = collection_info(client, name)
    config, params = info.config, info.config.params
    found = {
        "hnsw_config": config.hnsw_config,
        "optimizers_config": config.optimizer_config,
        "quantization_config": config.quantization_config,
        "vectors_config": params.vectors,
        "sparse_vectors_config": params.sparse_vectors,
        "shard_number": params.shard_number,
        "replication_factor": params.replication_factor,
        "write_consistency_factor": params.write_consistency_factor,
        "on_disk_payload": params.on_disk_payload,
        "metadata": config.metadata,
    }
    vectors = params.vectors if isinstance(params.vectors, dict) else {"": params.vectors}
    for vector, described in vectors.items():
        if described is not None and described.multivector_config is not None:
            raise StoreError(f"the collection {name!r} has the multivector {vector!r}, which is not copied")
    indexes = {key: schema.params or schema.data_type for key, schema in info.payload_schema.items()}
    return {"collection": _plain(found), "indexes": _plain(indexes)}


def make_collection(client: QdrantBase, name: str, settings: Mapping[str, Any]) -> None:
    """Make a collection of the settings that `settings_of` gave.

    Raises:
        StoreError: If there is one of that name already.
    """
    if client.collection_exists(name):
        raise StoreError(f"there is a collection {name!r} already; name another, or delete it")
    from pydantic import TypeAdapter

    given = {
        key: TypeAdapter(kind).validate_python(value)
        for key, kind in _SETTINGS.items()
        if (value := settings["collection"].get(key)) is not None
    }
    if isinstance(client, EdgeClient):
        for key in _OF_A_CLUSTER:
            if (value := given.pop(key, 1)) != 1:
                _log.warning("%s has %s %d; in the embedded store it is 1", name, key, value)
    client.create_collection(name, **given)
    for key, schema in settings["indexes"].items():
        client.create_payload_index(
            name,
            key,
            TypeAdapter(models.PayloadSchemaType | models.PayloadSchemaParams).validate_python(schema),
            wait=True,
        )


def pages_of(client: QdrantBase, name: str, retries: Retries) -> Iterator[list[models.Record]]:
    """Yield all points of a collection with their vectors and payloads, some at a time."""
    after = None
    while True:
        records, after = retries(client.scroll, name, limit=_PAGE, offset=after, with_vectors=True)
        yield records
        if after is None:
            return


def write_pages(client: QdrantBase, name: str, pages: Iterable[list[models.Record]], retries: Retries) -> int:
    """Write points into a collection that was made for them.

    Returns:
        How many.

    Raises:
        StoreError: If the collection does not hold them all at the end.
    """
    written = 0
    for page in pages:
        points = [
            models.PointStruct(id=record.id, payload=record.payload, vector=record.vector or {})  # type: ignore[arg-type]
            for record in page
        ]
        if points:
            retries(client.upsert, name, points, wait=True)
            written += len(points)
    held = int(retries(client.count, name, exact=True).count)
    if held != written:
        raise StoreError(f"{written} points were written into {name!r}, and it holds {held}")
    return written


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    plain: dict[str, Any] = to_jsonable_python(dict(values), exclude_none=True)
    # gRPC says 0 for what is not set.
    return {key: value for key, value in plain.items() if value is not None and (key not in _OF_A_CLUSTER or value)}
