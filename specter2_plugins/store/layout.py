"""What a collection of papers holds, and checking that a model's vectors can be compared with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.payloads import CONTENT_KEY, from_page_content
from specter2_plugins.sparse import SparseTextEncoder
from specter2_plugins.store.added_vectors import filling, lacking
from specter2_plugins.tasks import BASE

FINGERPRINTS_KEY = "specter2"
"""Where a collection's metadata says what its vectors were made with: vector name -> fingerprint."""

DISTANCES = {
    "euclid": models.Distance.EUCLID,
    "cosine": models.Distance.COSINE,
    "dot": models.Distance.DOT,
}
_SAMPLE = 5
_SAME = 0.999

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VectorSpace:
    """One dense vector that every paper of a collection has.

    Args:
        vector: Its name in Qdrant, "" for the one without a name.
        adapter: What papers went through: an adapter's name, or "base".
        distance: How it is compared.
    """

    vector: str
    adapter: str
    distance: models.Distance

    @property
    def query_task(self) -> str:
        """The task of a text query that is to meet these papers; in other tasks' spaces it is a paper's equal."""
        return "query" if self.adapter == "proximity" else self.adapter

    @property
    def smaller_is_nearer(self) -> bool:
        """Whether a score is a distance rather than a similarity."""
        return self.distance in (models.Distance.EUCLID, models.Distance.MANHATTAN)


def stored_space(client: QdrantBase, name: str, vector: str | None = None) -> VectorSpace:
    """Return a dense vector of a collection, for whoever compares stored papers alone and needs no model.

    Args:
        client: An open client.
        name: The collection.
        vector: Which of its dense vectors. By default proximity, or the first.

    Raises:
        StoreError: If there is no such collection or vector.
    """
    info = collection_info(client, name)
    vectors = dense_vectors(info)
    if not vectors:
        raise StoreError(f"the collection {name!r} has no dense vectors")
    vector = vector if vector is not None else ("proximity" if "proximity" in vectors else next(iter(vectors)))
    if vector not in vectors:
        raise StoreError(f"the collection {name!r} has no vector {vector!r}; it has: {', '.join(vectors)}")
    adapter = (fingerprints_of(info).get(vector) or {}).get("adapter", vector or BASE)
    return VectorSpace(vector, str(adapter), vectors[vector].distance)


def check_collection(client: QdrantBase, name: str, model: PaperEncoder, vector: str | None = None) -> VectorSpace:
    """Check that a model's vectors can be compared with a collection's.

    A collection that somebody else made, with LangChain for instance, says nothing about its vectors: there a few of
    its texts are embedded again, and must give the vectors that are stored.

    Args:
        client: An open client.
        name: The collection.
        model: The model.
        vector: Which of its dense vectors. By default proximity, or the first.

    Raises:
        StoreError: If there is no such collection or vector, or it comes from another model.
    """
    vector = stored_space(client, name, vector).vector
    info = collection_info(client, name)
    params = dense_vectors(info)[vector]
    if params.size != model.dimensions:
        raise StoreError(
            f"the vectors of collection {name!r} have {params.size} dimensions, the model's have {model.dimensions}"
        )
    stored = fingerprints_of(info).get(vector)
    if stored is None:
        return VectorSpace(vector, _recognise(client, name, model, vector), params.distance)
    adapter = str(stored["adapter"])
    if adapter != BASE and adapter not in model.adapter_tasks:
        known = ", ".join(model.adapter_tasks) or "none"
        raise StoreError(f"the collection {name!r} was made with the adapter {adapter!r}; the model has: {known}")
    _warn_of_filling(client, name, info, vector)
    differences = model.fingerprint(adapter).differences(stored)
    if differences:
        raise StoreError(f"the collection {name!r} was filled by another model. {'; '.join(differences)}")
    return VectorSpace(vector, adapter, params.distance)


def check_sparse(client: QdrantBase, name: str, encoder: SparseTextEncoder) -> None:
    """Check that an encoder's vectors can be compared with a collection's.

    Raises:
        StoreError: If there is no such collection, it has no vectors of the encoder, or they were made otherwise.
    """
    info = collection_info(client, name)
    there = info.config.params.sparse_vectors or {}
    if encoder.name not in there:
        raise StoreError(
            f"the collection {name!r} has no sparse vector {encoder.name!r}; it has: {', '.join(there) or 'none'}. "
            f"Ingesting with --sparse {encoder.name} adds it"
        )
    if (there[encoder.name].modifier == models.Modifier.IDF) != encoder.needs_idf:
        raise StoreError(
            f"the collection {name!r} was made {'without' if encoder.needs_idf else 'with'} Modifier.IDF for its "
            f"sparse vectors {encoder.name!r}, so their scores would be wrong"
        )
    stored = fingerprints_of(info).get(encoder.name)
    _warn_of_filling(client, name, info, encoder.name)
    if stored is not None and stored != encoder.fingerprint:
        raise StoreError(
            f"the sparse vectors {encoder.name!r} of collection {name!r} were made otherwise: "
            f"{stored} there, {encoder.fingerprint} here"
        )


def _warn_of_filling(client: QdrantBase, name: str, info: models.CollectionInfo, vector: str) -> None:
    if vector in filling(info) and (without := client.count(name, lacking(vector)).count):
        _log.warning(
            "%d papers of the collection %r have no vector %r yet and are not found by it; ingest into it with all of "
            "its tasks and sparse vectors to go on",
            *(without, name, vector),
        )


def sparse_names(client: QdrantBase, name: str) -> list[str]:
    """Return the sparse vectors that a collection has."""
    return list(collection_info(client, name).config.params.sparse_vectors or {})


def collection_info(client: QdrantBase, name: str) -> models.CollectionInfo:
    """Return what Qdrant says of a collection.

    Raises:
        StoreError: If there is none of that name; the message lists those there are.
    """
    if not client.collection_exists(name):
        there = ", ".join(sorted(collection.name for collection in client.get_collections().collections)) or "none"
        raise StoreError(f"there is no collection {name!r}; the store holds: {there}. Fill it with: specter2 ingest")
    return client.get_collection(name)


def dense_vectors(info: models.CollectionInfo) -> dict[str, models.VectorParams]:
    """Return the dense vectors of a collection by their names, "" for the one without a name."""
    vectors = info.config.params.vectors or {}
    return vectors if isinstance(vectors, dict) else {"": vectors}


def fingerprints_of(info: models.CollectionInfo) -> dict[str, Any]:
    """Return what a collection says that its vectors were made with, by their names."""
    return (info.config.metadata or {}).get(FINGERPRINTS_KEY) or {}


def _recognise(client: QdrantBase, name: str, model: PaperEncoder, vector: str) -> str:
    """Return the adapter that a collection's papers went through, found by embedding some of them again."""
    unknown = f"the collection {name!r} does not say which model filled it"
    points, _ = client.scroll(name, limit=_SAMPLE, with_vectors=[vector] if vector else True)
    known = {}
    for point in points:
        stored = point.vector.get(vector) if isinstance(point.vector, dict) else point.vector
        text = (point.payload or {}).get(CONTENT_KEY)
        if stored is not None and isinstance(text, str) and text.strip():
            known[text] = stored
    if not known:
        raise StoreError(f"{unknown}, and holds no text to find out by; fill one with: specter2 ingest")
    expected = np.array(list(known.values()), dtype=np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    papers = [from_page_content(text) for text in known]
    for adapter in [*model.adapter_tasks, BASE]:
        try:
            vectors = model.encode(papers, task=adapter, show_progress_bar=False)
        except PaperError as error:
            raise StoreError(f"{unknown}, and its texts cannot be embedded to find out: {error}") from None
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        if float((vectors * expected).sum(axis=1).min()) > _SAME:
            return adapter
    raise StoreError(f"{unknown}, and none of this model's tasks gives the vectors it holds")
