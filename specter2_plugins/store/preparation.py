"""A collection is made as its spec says or, where it is there, brought to what the spec asks for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.payloads import METADATA_KEY
from specter2_plugins.sparse import SparseTextEncoder
from specter2_plugins.store.added_vectors import add_vectors
from specter2_plugins.store.faults import STORE_ERRORS
from specter2_plugins.store.layout import (
    DISTANCES,
    FINGERPRINTS_KEY,
    check_collection,
    check_sparse,
    collection_info,
    dense_vectors,
    fingerprints_of,
)
from specter2_plugins.store.spec import CollectionSpec
from specter2_plugins.tasks import adapters_for

_QUANTIZATION: dict[str, models.QuantizationConfig] = {
    "scalar": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}

_log = logging.getLogger(__name__)


def adapters_of(spec: CollectionSpec, model: PaperEncoder) -> list[str]:
    """Return what papers go through for each task of a spec, "base" for the base alone; these name the vectors.

    Raises:
        TaskError: If the model does not know a task.
    """
    return adapters_for(spec.tasks, model.adapter_tasks)


def prepare_collection(
    client: QdrantBase,
    spec: CollectionSpec,
    model: PaperEncoder,
    sparse: Sequence[SparseTextEncoder] = (),
    *,
    only_check: bool = False,
) -> None:
    """Make the collection if it is not there; else check that the model's vectors belong in it.

    Vectors of the spec that the collection lacks are added to it; `fill_vectors` gives them to the papers that it has.

    Args:
        client: An open client.
        spec: The collection.
        model: What embeds the papers.
        sparse: The encoders of its sparse vectors.
        only_check: Change nothing of a collection that is there.

    Raises:
        StoreError: If it holds other vectors: of another model, task, size, distance or sparse encoder.
        TaskError: If the model does not know a task.
    """
    adapters = adapters_of(spec, model)
    if not client.collection_exists(spec.name):
        try:
            _create(client, spec, model, adapters, sparse)
            _tell_of_nodes(client, spec)
            return
        except STORE_ERRORS:
            # Another run may have made it meanwhile.
            if not client.collection_exists(spec.name):
                raise
    _check_vectors(client, spec, model, adapters, sparse, only_check)


def _create(
    client: QdrantBase,
    spec: CollectionSpec,
    model: PaperEncoder,
    adapters: list[str],
    sparse: Sequence[SparseTextEncoder],
) -> None:
    params = models.VectorParams(size=model.dimensions, distance=DISTANCES[spec.distance], on_disk=spec.on_disk or None)
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
        metadata={FINGERPRINTS_KEY: _made_with(model, adapters, sparse)},
    )


def ensure_indexes(client: QdrantBase, spec: CollectionSpec) -> None:
    """Make the payload indexes of a spec that its collection does not have."""
    there = client.get_collection(spec.name).payload_schema
    for name, kind in spec.indexes.items():
        key = f"{METADATA_KEY}.{name}"
        if key not in there:
            client.create_payload_index(spec.name, key, models.PayloadSchemaType(kind), wait=True)
        elif there[key].data_type != models.PayloadSchemaType(kind):
            _log.warning("the collection %r keeps its index of %s as %s", spec.name, name, there[key].data_type.value)


def _check_vectors(
    client: QdrantBase,
    spec: CollectionSpec,
    model: PaperEncoder,
    adapters: list[str],
    sparse: Sequence[SparseTextEncoder],
    only_check: bool,
) -> None:
    info = collection_info(client, spec.name)
    vectors, there = dense_vectors(info), info.config.params.sparse_vectors or {}
    if not set(vectors) <= set(adapters):
        raise StoreError(
            f"the collection {spec.name!r} holds {_names(vectors)} vectors, not {_names(adapters)}; "
            "name another collection for them, or all of its tasks to add to them"
        )
    for adapter in vectors:
        space = check_collection(client, spec.name, model, adapter)
        if space.distance != DISTANCES[spec.distance]:
            raise StoreError(
                f"the collection {spec.name!r} compares by {space.distance.value.lower()}, not by {spec.distance}"
            )
    missing = set(there) - {encoder.name for encoder in sparse}
    if missing:
        raise StoreError(
            f"the papers of collection {spec.name!r} have sparse vectors too; add: --sparse {' '.join(sorted(missing))}"
        )
    for encoder in sparse:
        if encoder.name in there:
            check_sparse(client, spec.name, encoder)
    if only_check:
        return
    _follow(client, spec, info)
    _grow(
        client,
        spec,
        model,
        [adapter for adapter in adapters if adapter not in vectors],
        [encoder for encoder in sparse if encoder.name not in there],
        fingerprints_of(info),
    )


def _grow(
    client: QdrantBase,
    spec: CollectionSpec,
    model: PaperEncoder,
    adapters: Sequence[str],
    sparse: Sequence[SparseTextEncoder],
    fingerprints: dict[str, Any],
) -> None:
    """Add the vectors that a spec asks for and its collection does not have."""
    size, distance = model.dimensions, DISTANCES[spec.distance]
    added: dict[str, models.VectorNameConfig] = {
        adapter: models.DenseVectorNameConfig(dense=models.DenseVectorConfig(size=size, distance=distance))
        for adapter in adapters
    }
    for encoder in sparse:
        modifier = models.Modifier.IDF if encoder.needs_idf else None
        added[encoder.name] = models.SparseVectorNameConfig(sparse=models.SparseVectorConfig(modifier=modifier))
    if added:
        metadata = {FINGERPRINTS_KEY: {**fingerprints, **_made_with(model, adapters, sparse)}}
        add_vectors(client, spec.name, added, metadata)


def _follow(client: QdrantBase, spec: CollectionSpec, info: models.CollectionInfo) -> None:
    """Apply the settings of a spec that its collection was made without.

    Raises:
        StoreError: If one cannot be changed any more.
    """
    params = info.config.params
    for what, asked, there in (
        ("shards", spec.shards, params.shard_number),
        ("copies of each shard", spec.replicas, params.replication_factor),
    ):
        if asked and there and asked != there:
            raise StoreError(
                f"the collection {spec.name!r} has {there} {what}, not {asked}; that is set when a collection is made"
            )
    changes: dict[str, Any] = {}
    quantization = _QUANTIZATION[spec.quantization] if spec.quantization else None
    if quantization is not None and type(info.config.quantization_config) is not type(quantization):
        changes["quantization_config"] = quantization
    if spec.on_disk and not params.on_disk_payload:
        changes["collection_params"] = models.CollectionParamsDiff(on_disk_payload=True)
    moved = [name for name, vector in dense_vectors(info).items() if spec.on_disk and not vector.on_disk]
    if moved:
        changes["vectors_config"] = dict.fromkeys(moved, models.VectorParamsDiff(on_disk=True))
    if changes:
        client.update_collection(spec.name, **changes)
        _log.warning(
            "the collection %r follows settings that it was made without: %s", spec.name, ", ".join(sorted(changes))
        )


def _tell_of_nodes(client: QdrantBase, spec: CollectionSpec) -> None:
    """Say what a spec for a cluster comes to on fewer nodes than it has copies."""
    if (spec.replicas or 1) < 2 and (spec.shards or 1) < 2:
        return
    try:
        nodes = len(getattr(client.cluster_status(), "peers", None) or {}) or 1
    except (*STORE_ERRORS, NotImplementedError, ValueError):  # who may not ask, or a store that is no cluster
        nodes = 1
    kept = min(nodes, spec.replicas or 1)
    if nodes < max(2, spec.replicas or 1):
        _log.warning(
            "the collection %r is made for a cluster, and this store has %d node%s: %d shards lie on %s, and of %d "
            "copies of each %d is kept. On one node --preset server is as safe and faster",
            *(spec.name, nodes, "s" * (nodes > 1), spec.shards or nodes, "it" if nodes == 1 else "them"),
            *(spec.replicas or 1, kept),
        )


def _made_with(model: PaperEncoder, adapters: Sequence[str], sparse: Sequence[SparseTextEncoder]) -> dict[str, Any]:
    """Return what a collection says of its vectors: name -> fingerprint."""
    fingerprints: dict[str, Any] = {adapter: model.fingerprint(adapter).to_dict() for adapter in adapters}
    return fingerprints | {encoder.name: encoder.fingerprint for encoder in sparse}


def _names(vectors: Sequence[str] | dict[str, Any]) -> str:
    return " and ".join(name or "unnamed" for name in vectors)
