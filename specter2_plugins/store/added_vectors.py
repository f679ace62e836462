"""Vectors that are added to a collection which exists, and whether its papers have them yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.store.faults import STORE_ERRORS

FILLING_KEY = "specter2_filling"
"""Where a collection's metadata says which of its vectors not all of its papers have yet."""


def add_vectors(
    client: QdrantBase,
    collection: str,
    added: Mapping[str, models.VectorNameConfig],
    metadata: Mapping[str, Any],
) -> None:
    """Add named vectors to a collection. Its papers have none of them until `fill_vectors` has given them some.

    Args:
        client: An open client.
        collection: The collection.
        added: Name -> what the vector is like.
        metadata: What the collection is to say of itself, at once.

    Raises:
        StoreError: If the store cannot: a server before 1.18, or qdrant-client's local mode.
    """
    before = client.get_collection(collection).config.metadata or {}
    waiting = [*dict.fromkeys([*before.get(FILLING_KEY, ()), *added])]
    # First what is said, so that after a crash in between nobody takes the vectors for whole.
    client.update_collection(collection, metadata={**metadata, FILLING_KEY: waiting})
    try:
        for name, config in added.items():
            client.create_vector_name(collection, name, config, wait=True)
    except (*STORE_ERRORS, NotImplementedError) as error:
        if _has(client, collection, added):
            raise
        client.update_collection(
            collection, metadata={**{key: before.get(key) for key in metadata}, FILLING_KEY: before.get(FILLING_KEY)}
        )
        raise StoreError(
            f"the store cannot add vectors to the collection {collection!r} ({', '.join(added)}): a server can since "
            f"Qdrant 1.18, and so can an embedded store, but for one of qdrant-client's local mode ({_said(error)})"
        ) from None


def filling(info: models.CollectionInfo) -> list[str]:
    """Return the vectors that not all papers of a collection have yet."""
    return list((info.config.metadata or {}).get(FILLING_KEY) or ())


def lacking(*names: str) -> models.Filter:
    """Return the filter of points that lack one of some vectors."""
    return models.Filter(
        should=[models.Filter(must_not=[models.HasVectorCondition(has_vector=name)]) for name in names]
    )


def filled(client: QdrantBase, collection: str) -> None:
    """Say that all papers of a collection have all of its vectors."""
    client.update_collection(collection, metadata={FILLING_KEY: None})


def _has(client: QdrantBase, collection: str, names: Mapping[str, Any]) -> bool:
    params = client.get_collection(collection).config.params
    dense = params.vectors if isinstance(params.vectors, dict) else {}
    return any(name in dense or name in (params.sparse_vectors or {}) for name in names)


def _said(error: BaseException) -> str:
    status = getattr(error, "status_code", None)
    return f"it answered {status}" if status else type(error).__name__
