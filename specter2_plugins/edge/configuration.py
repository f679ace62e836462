"""A collection's configuration: as it is created, kept on disk, given to the engine and reported."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client import models

from specter2_plugins.edge import limits
from specter2_plugins.edge.conversions import to_edge
from specter2_plugins.edge.dicts import as_model, reason
from specter2_plugins.edge.refusals import unsupported
from specter2_plugins.errors import StoreError
from specter2_plugins.printable import from_json

DEFAULT_VECTOR = ""
"""The name that the engine gives to the vector of a collection with just one, unnamed."""

_Model = TypeVar("_Model", bound=BaseModel)

# What a server takes when nothing is said, and what holds here: each may be said, nothing else may.
_ONE_NODE: dict[str, Any] = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}
_WAL = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}
_HNSW = models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0)
_OPTIMIZERS = models.OptimizersConfig(
    deleted_threshold=0.2,
    vacuum_min_vector_number=1000,
    default_segment_number=0,
    indexing_threshold=10_000,
    flush_interval_sec=5,
    max_optimization_threads=1,
)


def check(config: models.CreateCollection) -> None:
    """Refuse what the engine cannot be configured for.

    Raises:
        UnsupportedError: With the option's name.
    """
    for option, value in _ONE_NODE.items():
        if getattr(config, option) not in (None, value):
            raise unsupported(f"{option} but {value}")
    for option in ("sharding_method", "strict_mode_config"):
        if getattr(config, option) is not None:
            raise unsupported(option)
    for option, value in config.wal_config or ():
        if value not in (None, _WAL[option]):
            raise unsupported(f"{option} but {_WAL[option]}")
    optimizers = config.optimizers_config or models.OptimizersConfigDiff()
    if optimizers.max_optimization_threads not in (None, 1, models.MaxOptimizationThreadsSetting.AUTO):
        raise unsupported("max_optimization_threads but 1")
    if optimizers.memmap_threshold is not None:
        raise unsupported("memmap_threshold; set on_disk of the vectors")
    for name in (*vector_params(config), *(config.sparse_vectors or {})):
        limits.check_vector_name(name)
    for name, params in vector_params(config).items():
        if not 1 <= params.size <= limits.MAX_DIMENSIONS:
            raise StoreError(f"vector {name!r} has {params.size} dimensions; 1 to {limits.MAX_DIMENSIONS} are allowed")


def described(config: models.CreateCollection) -> str:
    """Return a configuration as `read` reads it.

    Raises:
        StoreError: If a value in it is none that the engine takes, or that could be read back.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a value that is not what it should be; reading it back says so
            description = config.model_dump_json()
        models.CreateCollection.model_validate_json(description)
        shard_config(config)
    except StoreError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"no configuration of a collection: {reason(error)}") from None
    return description


def read(path: Path, collection: str) -> models.CreateCollection:
    """Return the configuration in a file.

    Raises:
        StoreError: If it is damaged.
    """
    try:
        return models.CreateCollection.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"collection {collection!r}: {path} is damaged ({reason(error)}); put it back from a copy, or delete the "
            "collection"
        ) from None


def of_shard(config: models.CreateCollection, shard: Path) -> models.CreateCollection:
    """Return a configuration with all that the engine keeps of it replaced by what it has for a shard."""
    own = from_json((shard / "edge_config.json").read_text(encoding="utf-8"))
    sparse = {name: _sparse_params(params) for name, params in own.get("sparse_vectors", {}).items()}
    vectors = own.get("vectors", {})
    replaced = {
        "vectors": vectors[DEFAULT_VECTOR] if vectors.keys() == {DEFAULT_VECTOR} else vectors,
        "sparse_vectors": sparse or None,
        "hnsw_config": own.get("hnsw_config"),
        "quantization_config": own.get("quantization_config"),
        "optimizers_config": own.get("optimizers"),
    }
    return models.CreateCollection.model_validate({**config.model_dump(), **replaced})


def _sparse_params(own: Mapping[str, Any]) -> dict[str, Any]:
    index = {field: value for field, value in own.items() if field in models.SparseIndexParams.model_fields}
    return {"index": index or None, "modifier": own.get("modifier")}


def vector_params(config: models.CreateCollection) -> dict[str, models.VectorParams]:
    """Return the dense vectors and multivectors of a collection, by name."""
    vectors = config.vectors or {}
    return {DEFAULT_VECTOR: vectors} if isinstance(vectors, models.VectorParams) else vectors


def shard_config(config: models.CreateCollection) -> edge.EdgeConfig:
    """Return what the engine makes or opens a collection's shard with."""
    hnsw = _merged(models.HnswConfigDiff(**dict(_HNSW)), config.hnsw_config)
    optimizers = config.optimizers_config or models.OptimizersConfigDiff()
    return edge.EdgeConfig(
        vectors={
            name: to_edge(
                params.model_copy(
                    update={"hnsw_config": params.hnsw_config and _merged(hnsw, params.hnsw_config)},
                )
            )
            for name, params in vector_params(config).items()
        },
        sparse_vectors={name: to_edge(params) for name, params in (config.sparse_vectors or {}).items()},
        on_disk_payload=config.on_disk_payload,
        payload_memory=to_edge(config.payload.memory) if config.payload else None,
        id_tracker_memory=to_edge(config.id_tracker.memory) if config.id_tracker else None,
        hnsw_config=to_edge(hnsw),
        quantization_config=to_edge(config.quantization_config),
        optimizers=to_edge(
            optimizers.model_copy(update={"flush_interval_sec": None, "max_optimization_threads": None})
        ),
    )


def optimizers_config(config: models.CreateCollection) -> models.OptimizersConfig:
    """Return the optimizer's settings, defaults filled in."""
    return _merged(_OPTIMIZERS, config.optimizers_config)


def reported(config: models.CreateCollection) -> models.CollectionConfig:
    """Return the configuration as `get_collection` gives it."""
    return models.CollectionConfig(
        params=models.CollectionParams(
            vectors=config.vectors,
            sparse_vectors=config.sparse_vectors,
            on_disk_payload=config.on_disk_payload,
            payload=config.payload,
            id_tracker=config.id_tracker,
            **_ONE_NODE,
        ),
        hnsw_config=_merged(_HNSW, config.hnsw_config),
        optimizer_config=optimizers_config(config),
        wal_config=models.WalConfig(**_WAL),
        quantization_config=config.quantization_config,
        metadata=config.metadata,
    )


def updated(config: models.CreateCollection, changes: Mapping[str, Any]) -> models.CreateCollection:
    """Return a configuration with the changes of `update_collection`.

    Raises:
        StoreError: If a vector that is to be changed is not there.
        UnsupportedError: If the engine cannot make the change.
    """
    new = config.model_copy(deep=True)
    for option, change in changes.items():
        if change is None:
            continue
        if option not in _UPDATES:
            raise unsupported(f"update of {option}")
        _UPDATES[option](new, change)
    check(new)
    return new


def with_vector(config: models.CreateCollection, name: str, added: models.VectorNameConfig) -> models.CreateCollection:
    """Return a configuration with one more named vector; with the same one, if it has it already.

    Raises:
        StoreError: If there is another vector of the name, or it cannot be one.
    """
    new = config.model_copy(deep=True)
    dense, sparse = dict(vector_params(config)), dict(config.sparse_vectors or {})
    there: Any
    if isinstance(added, models.SparseVectorNameConfig):
        datatype = added.sparse.datatype
        index = models.SparseIndexParams(datatype=_datatype(datatype)) if datatype else None
        made: Any = models.SparseVectorParams(index=index, modifier=added.sparse.modifier)
        there, new.sparse_vectors = dense.get(name) or sparse.get(name), {**sparse, name: made}
    else:
        made = models.VectorParams(**{**dict(added.dense), "datatype": _datatype(added.dense.datatype)})
        there, new.vectors = sparse.get(name) or dense.get(name), {**dense, name: made}
    if not name:
        raise StoreError("a vector that is added needs a name")
    if there is not None and _defining(there) != _defining(made):
        raise StoreError(f"there is another vector {name!r} already; delete it first")
    check(new)
    return config if there is not None else new


def _datatype(given: models.VectorStorageDatatype | None) -> models.Datatype | None:
    return None if given is None else models.Datatype(given.value)


def without_vector(config: models.CreateCollection, name: str) -> models.CreateCollection:
    """Return a configuration without one of its named vectors.

    Raises:
        StoreError: If there is none of the name.
    """
    dense, sparse = dict(vector_params(config)), dict(config.sparse_vectors or {})
    _require_vector({**dense, **sparse}, name)
    dense.pop(name, None)
    sparse.pop(name, None)
    return config.model_copy(update={"vectors": dense, "sparse_vectors": sparse or None})


def _defining(params: models.VectorParams | models.SparseVectorParams) -> tuple[Any, ...]:
    """Return what of a vector cannot be changed: for one that is added, all that may be said."""
    if isinstance(params, models.SparseVectorParams):
        modifier = None if params.modifier == models.Modifier.NONE else params.modifier
        return "sparse", modifier, params.index and params.index.datatype
    datatype = None if params.datatype == models.Datatype.FLOAT32 else params.datatype
    return params.size, params.distance, params.multivector_config, datatype


def _update_metadata(config: models.CreateCollection, change: Mapping[str, Any]) -> None:
    merged = {**(config.metadata or {}), **change}
    config.metadata = {key: value for key, value in merged.items() if value is not None}


def _update_vectors(config: models.CreateCollection, change: Mapping[str, models.VectorParamsDiff]) -> None:
    there = vector_params(config)
    for name, diff in change.items():
        _require_vector(there, name)
        for field, value in as_model(diff, models.VectorParamsDiff):
            if value is not None:
                current = getattr(there[name], field)
                setattr(there[name], field, _merged(current, value) if field == "hnsw_config" else _kept(value))


def _update_sparse_vectors(config: models.CreateCollection, change: Mapping[str, models.SparseVectorParams]) -> None:
    there = config.sparse_vectors or {}
    for name, params in change.items():
        _require_vector(there, name)
        asked, kept = as_model(params, models.SparseVectorParams), there[name]
        datatype = asked.index and asked.index.datatype
        if datatype and datatype != ((kept.index and kept.index.datatype) or models.Datatype.FLOAT32):
            raise unsupported(f"way to store the vectors {name!r}, which are there, as {datatype.value}")
        there[name] = _merged(kept, asked.model_copy(update={"index": _merged(kept.index, asked.index)}))


def _update_params(config: models.CreateCollection, change: models.CollectionParamsDiff) -> None:
    for field, value in change:
        if value is not None:
            if field not in models.CreateCollection.model_fields:
                raise unsupported(field)
            setattr(config, field, value)


def _update_diff(option: str) -> Any:
    def update(config: models.CreateCollection, change: BaseModel) -> None:
        setattr(config, option, _merged(getattr(config, option), change))

    return update


def _update_quantization(config: models.CreateCollection, change: Any) -> None:
    config.quantization_config = _kept(change)


_UPDATES: dict[str, Any] = {
    "collection_params": _update_params,
    "hnsw_config": _update_diff("hnsw_config"),
    "metadata": _update_metadata,
    "optimizers_config": _update_diff("optimizers_config"),
    "quantization_config": _update_quantization,
    "sparse_vectors_config": _update_sparse_vectors,
    "vectors_config": _update_vectors,
}


def _kept(value: Any) -> Any:
    # The engine reads "nothing said" as "as it is", so what is quantized cannot be told to stop.
    if isinstance(value, models.Disabled):
        raise unsupported("way to switch quantization off")
    return value


def _merged(base: _Model | None, change: BaseModel | None) -> _Model:
    if base is None or change is None:
        return base if change is None else change  # type: ignore[return-value]
    given = {field: value for field, value in change if value is not None}
    return base.model_copy(update=given)


def _require_vector(there: Mapping[str, Any], name: str) -> None:
    if name not in there:
        raise StoreError(f"there is no vector {name!r}; the collection has: {', '.join(map(repr, there)) or 'none'}")
