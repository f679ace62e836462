"""What a collection that is there was made with, so that nobody has to say it again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT, families
from specter2_plugins.errors import StoreError
from specter2_plugins.store.layout import DISTANCES, dense_vectors, fingerprints_of
from specter2_plugins.store.spec import CollectionSpec

_DISTANCE_NAMES: dict[models.Distance, str] = {distance: name for name, distance in DISTANCES.items()}
_BM25 = frozenset({"bm25"})
_log = logging.getLogger(__name__)


def existing_model(client: QdrantBase, name: str) -> str:
    """Return the model to load for a collection where nobody names one: the family that filled it, or the default.

    Args:
        client: An open client.
        name: The collection; it need not be there.
    """
    if not client.collection_exists(name):
        return DEFAULT_CHECKPOINT
    info = client.get_collection(name)
    made_with = fingerprints_of(info)
    bases = {str(made_with[vector]["base"]) for vector in dense_vectors(info) if vector in made_with}
    known = {family.name for family in families().values() if bases & {family.name, family.published_as}}
    if len(known) == 1:
        return known.pop()
    if bases:
        # It may be a copy of the default, which its weights tell when it is loaded.
        _log.warning(
            "the collection %r was filled by %s, which is no model known by name; %r is loaded unless one is named",
            name, " and ".join(map(repr, sorted(bases))), DEFAULT_CHECKPOINT,
        )  # fmt: skip
    return DEFAULT_CHECKPOINT


def existing_spec(
    client: QdrantBase,
    name: str,
    spec: CollectionSpec | None = None,
    *,
    tasks: Sequence[str] | None = None,
    sparse: Sequence[str] | None = None,
) -> CollectionSpec:
    """Return the spec of a collection, with what it has where nobody says otherwise.

    Args:
        client: An open client.
        name: The collection; it need not be there.
        spec: What else is said of it: settings that are not a spec's defaults. Its name does not count.
        tasks: The tasks that are said.
        sparse: The sparse encoders that are said.

    Raises:
        StoreError: If the spec is none.
    """
    if spec is not None and not isinstance(spec, CollectionSpec):
        raise StoreError(
            f"spec takes a CollectionSpec, not {spec!r}; a collection's name is an argument of its own, as in "
            "PaperCollection.open(store, collection='papers')"
        )
    usual = CollectionSpec()
    said = {key: value for key, value in vars(spec or usual).items() if value != getattr(usual, key)}
    said |= {key: tuple(value) for key, value in (("tasks", tasks), ("sparse", sparse)) if value is not None}
    there: dict[str, Any] = {}
    if client.collection_exists(name):
        info = client.get_collection(name)
        vectors = dense_vectors(info)
        # Others than BM25 need a model, and where it lies is not kept.
        there["sparse"] = tuple(_BM25 & set(info.config.params.sparse_vectors or {}))
        if vectors and "" not in vectors:
            there["tasks"] = tuple(vectors)
            there["distance"] = _DISTANCE_NAMES.get(next(iter(vectors.values())).distance, "euclid")
    return CollectionSpec(**{**there, **said, "name": name})
