"""Making a paper collection, and checking that a model's vectors belong in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.paper_encoder import PaperEncoder
from specter2_plugins.payloads import CONTENT_KEY, METADATA_KEY, from_page_content
from specter2_plugins.qdrant.faults import STORE_ERRORS
from specter2_plugins.qdrant.spec import CollectionSpec
from specter2_plugins.sparse import SparseEncoder
from specter2_plugins.tasks import BASE, adapters_for

FINGERPRINTS_KEY = "specter2"
"""Where a collection's metadata says what its vectors were made with: vector name -> fingerprint."""

_DISTANCES = {
    "euclid": models.Distance.EUCLID,
    "cosine": models.Distance.COSINE,
    "dot": models.Distance.DOT,
}
_QUANTIZATION: dict[str, models.QuantizationConfig] = {
    "scalar": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}
_SAMPLE = 5
_SAME = 0.999


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


def adapters_of(spec: CollectionSpec, model: PaperEncoder) -> list[str]:
    """What papers go through for each task of a spec, "base" for the base alone; these name the vectors.

    Raises:
        TaskError: If the model does not know a task.
    """
    return adapters_for(spec.tasks, model.adapter_tasks)


def prepare_collection(
    client: QdrantBase, spec: CollectionSpec, model: PaperEncoder, sparse: Sequence[SparseEncoder] = ()
) -> None:
    """Make the collection if it is not there; else check that the model's vectors belong in it.

    Args:
        client: An open client.
        spec: The collection.
        model: What embeds the papers.
        sparse: The encoders of its sparse vectors.

    Raises:
        StoreError: If it holds other vectors: of another model, task, size, distance or sparse encoder.
        TaskError: If the model does not know a task.
    """
    adapters = adapters_of(spec, model)
    if not client.collection_exists(spec.name):
        try:
            _create(client, spec, model, adapters, sparse)
            return
        except STORE_ERRORS:
            # Another run may have made it meanwhile.
            if not client.collection_exists(spec.name):
                raise
    _check_vectors(client, spec, model, adapters, sparse)


def _create(
    client: QdrantBase, spec: CollectionSpec, model: PaperEncoder, adapters: list[str], sparse: Sequence[SparseEncoder]
) -> None:
    fingerprints: dict[str, Any] = {adapter: model.fingerprint(adapter).to_dict() for adapter in adapters}
    fingerprints |= {encoder.name: encoder.fingerprint for encoder in sparse}
    params = models.VectorParams(
        size=model.dimensions, distance=_DISTANCES[spec.distance], on_disk=spec.on_disk or None
    )
    client.create_collection(
        spec.name,
        vectors_config=dict.fromkeys(adapters, params),
        sparse_vectors_config={
            encoder.name: models.SparseVectorParams(modifier=models.Modifier.IDF if encoder.needs_idf else None)
            for encoder in sparse
        }
        or None,
        shard_number=spec.shards,
        replication_factor=spec.replicas,
        on_disk_payload=spec.on_disk or None,
        quantization_config=_QUANTIZATION[spec.quantization] if spec.quantization else None,
        metadata={FINGERPRINTS_KEY: fingerprints},
    )


def ensure_indexes(client: QdrantBase, spec: CollectionSpec) -> None:
    """Make the payload indexes of a spec that its collection does not have."""
    there = client.get_collection(spec.name).payload_schema
    for name, kind in spec.indexes.items():
        key = f"{METADATA_KEY}.{name}"
        if key not in there:
            client.create_payload_index(spec.name, key, models.PayloadSchemaType(kind), wait=True)


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
    info = _info(client, name)
    vectors = _dense(info)
    if not vectors:
        raise StoreError(f"the collection {name!r} has no dense vectors")
    vector = vector if vector is not None else ("proximity" if "proximity" in vectors else next(iter(vectors)))
    if vector not in vectors:
        raise StoreError(f"the collection {name!r} has no vector {vector!r}; it has: {', '.join(vectors)}")
    params = vectors[vector]
    if params.size != model.dimensions:
        raise StoreError(
            f"the vectors of collection {name!r} have {params.size} dimensions, the model's have {model.dimensions}"
        )
    stored = _fingerprints(info).get(vector)
    if stored is None:
        return VectorSpace(vector, _recognise(client, name, model, vector), params.distance)
    adapter = str(stored["adapter"])
    if adapter != BASE and adapter not in model.adapter_tasks:
        known = ", ".join(model.adapter_tasks) or "none"
        raise StoreError(f"the collection {name!r} was made with the adapter {adapter!r}; the model has: {known}")
    differences = model.fingerprint(adapter).differences(stored)
    if differences:
        raise StoreError(f"the collection {name!r} was filled by another model. {'; '.join(differences)}")
    return VectorSpace(vector, adapter, params.distance)


def check_sparse(client: QdrantBase, name: str, encoder: SparseEncoder) -> None:
    """Check that an encoder's vectors can be compared with a collection's.

    Raises:
        StoreError: If there is no such collection, it has no vectors of the encoder, or they were made otherwise.
    """
    info = _info(client, name)
    there = info.config.params.sparse_vectors or {}
    if encoder.name not in there:
        raise StoreError(
            f"the collection {name!r} has no sparse vector {encoder.name!r}; it has: {', '.join(there) or 'none'}. "
            f"Sparse vectors are made when a collection is: specter2 ingest --sparse {encoder.name}"
        )
    if (there[encoder.name].modifier == models.Modifier.IDF) != encoder.needs_idf:
        raise StoreError(
            f"the collection {name!r} was made {'without' if encoder.needs_idf else 'with'} Modifier.IDF for its "
            f"sparse vectors {encoder.name!r}, so their scores would be wrong"
        )
    stored = _fingerprints(info).get(encoder.name)
    if stored is not None and stored != encoder.fingerprint:
        raise StoreError(
            f"the sparse vectors {encoder.name!r} of collection {name!r} were made otherwise: "
            f"{stored} there, {encoder.fingerprint} here"
        )


def sparse_names(client: QdrantBase, name: str) -> list[str]:
    """The sparse vectors that a collection has."""
    return list(_info(client, name).config.params.sparse_vectors or {})


def _check_vectors(
    client: QdrantBase, spec: CollectionSpec, model: PaperEncoder, adapters: list[str], sparse: Sequence[SparseEncoder]
) -> None:
    info = _info(client, spec.name)
    vectors = _dense(info)
    if set(vectors) != set(adapters):
        raise StoreError(
            f"the collection {spec.name!r} holds {_names(vectors)} vectors, not {_names(adapters)}; "
            "name another collection for them"
        )
    for adapter in adapters:
        space = check_collection(client, spec.name, model, adapter)
        if space.distance != _DISTANCES[spec.distance]:
            raise StoreError(
                f"the collection {spec.name!r} compares by {space.distance.value.lower()}, not by {spec.distance}"
            )
    for encoder in sparse:
        check_sparse(client, spec.name, encoder)
    missing = set(info.config.params.sparse_vectors or {}) - {encoder.name for encoder in sparse}
    if missing:
        raise StoreError(
            f"the papers of collection {spec.name!r} have sparse vectors too; add: --sparse {' '.join(sorted(missing))}"
        )


def _names(vectors: Sequence[str] | dict[str, Any]) -> str:
    return " and ".join(name or "unnamed" for name in vectors)


def _info(client: QdrantBase, name: str) -> models.CollectionInfo:
    if not client.collection_exists(name):
        there = ", ".join(sorted(collection.name for collection in client.get_collections().collections)) or "none"
        raise StoreError(f"there is no collection {name!r}; the store holds: {there}. Fill it with: specter2 ingest")
    return client.get_collection(name)


def _dense(info: models.CollectionInfo) -> dict[str, models.VectorParams]:
    vectors = info.config.params.vectors or {}
    return vectors if isinstance(vectors, dict) else {"": vectors}


def _fingerprints(info: models.CollectionInfo) -> dict[str, Any]:
    return (info.config.metadata or {}).get(FINGERPRINTS_KEY) or {}


def _recognise(client: QdrantBase, name: str, model: PaperEncoder, vector: str) -> str:
    """The adapter that a collection's papers went through, found by embedding some of them again."""
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
