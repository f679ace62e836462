"""What a collection has, as plain data."""

from __future__ import annotations

from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.edge import EdgeClient
from specter2_plugins.papers.points import HASHES_KEY, SOURCES, made_of, sources_of
from specter2_plugins.store.added_vectors import filling
from specter2_plugins.store.faults import STORE_ERRORS
from specter2_plugins.store.fields import field_names
from specter2_plugins.store.history import last_ingested
from specter2_plugins.store.layout import collection_info, dense_vectors, fingerprints_of

_SOURCES_KEY = f"{HASHES_KEY}.{SOURCES}"
_MOST_SOURCES = 1000
_PAGE = 1000


def describe(client: QdrantBase, name: str) -> dict[str, Any]:
    """Return what a collection has, in JSON's types.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> from specter2_plugins.pipeline import ingest_papers
        >>> from specter2_plugins.qdrant import open_client
        >>> with open_client(":memory:") as client:
        ...     report = ingest_papers([{"title": "A title", "year": 2001}], client, load_specter2("mini"))
        ...     found = describe(client, "papers")
        >>> found["papers"], found["vectors"]["proximity"]["dimensions"], found["fields"]
        (1, 384, ['title', 'year'])

    Args:
        client: An open client.
        name: The collection.

    Returns:
        `name`, `papers` (how many), `status` (Qdrant's colour) and `indexed_vectors`;

        `vectors`: name -> `kind` ("dense" or "sparse"), `papers` that have it, `model` (the base's name, or the
        encoder's; None where the collection does not say), `made_with` (its fingerprint) and, of dense ones,
        `dimensions`, `distance`, `datatype` ("float32", "float16", "uint8"), `quantization` and `on_disk`;

        `unfinished`: vectors that were added and not all papers have yet;

        `sources`: each with its `name`, how many `papers` it brought, and when it was `last_ingested` (ISO 8601, UTC;
        None if that was by a version that did not say), the largest first and 1,000 at most; a `name` of None stands
        for papers that know no source;

        `indexes`: payload field -> `kind` and `points`;

        `fields`: what filters can name, of the first 500 papers, at most 40;

        `quantization` ("scalar", "binary", ... or None), `shards`, `replicas`, `payload_on_disk`, and `bytes_on_disk`,
        None where the store does not say, as a server.

    Raises:
        StoreError: If there is no such collection.
    """
    info = collection_info(client, name)
    params = info.config.params
    return {
        "name": name,
        "papers": client.count(name, exact=True).count,
        "status": info.status.value,
        "indexed_vectors": info.indexed_vectors_count,
        "vectors": _vectors(client, name, info),
        "unfinished": filling(info),
        "sources": _sources(client, name, info),
        "indexes": {
            key: {"kind": index.data_type.value, "points": index.points} for key, index in info.payload_schema.items()
        },
        "fields": field_names(client, name),
        "quantization": _kind(info.config.quantization_config),
        "shards": params.shard_number or None,
        "replicas": params.replication_factor or None,
        "payload_on_disk": bool(params.on_disk_payload),
        "bytes_on_disk": client.bytes_on_disk(name) if isinstance(client, EdgeClient) else None,
    }


def _vectors(client: QdrantBase, name: str, info: models.CollectionInfo) -> dict[str, Any]:
    made_with = fingerprints_of(info)
    found: dict[str, Any] = {
        vector: {
            "kind": "dense",
            "dimensions": params.size,
            "distance": params.distance.value.lower(),
            "datatype": (params.datatype or models.Datatype.FLOAT32).value,
            "quantization": _kind(params.quantization_config or info.config.quantization_config),
            "on_disk": bool(params.on_disk),
        }
        for vector, params in dense_vectors(info).items()
    }
    found |= {vector: {"kind": "sparse"} for vector in info.config.params.sparse_vectors or {}}
    for vector, described in found.items():
        has = models.Filter(must=[models.HasVectorCondition(has_vector=vector)])
        described["papers"] = client.count(name, has, exact=True).count
        described["made_with"] = made_with.get(vector)
        described["model"] = next(
            (str(made_with[vector][key]) for key in ("base", "model", "encoder") if key in made_with.get(vector, {})),
            None,
        )
    return found


def _kind(quantization: models.QuantizationConfig | None) -> str | None:
    """Return a quantization's name: "scalar", "product", "binary" or another of the store's."""
    return next(iter(quantization.model_fields_set), None) if quantization else None


def _sources(client: QdrantBase, name: str, info: models.CollectionInfo) -> list[dict[str, Any]]:
    counts: dict[str | None, int] = {}
    try:
        hits = client.facet(name, _SOURCES_KEY, limit=_MOST_SOURCES, exact=True).hits
        counts.update({str(hit.value): hit.count for hit in hits})
    except (*STORE_ERRORS, NotImplementedError):  # a server that counts by an index alone
        counts.update(_counted(client, name))
    unknown = models.IsEmptyCondition(is_empty=models.PayloadField(key=_SOURCES_KEY))
    if sourceless := client.count(name, models.Filter(must=[unknown]), exact=True).count:
        counts[None] = sourceless
    when = last_ingested(info)
    return [
        {"name": source, "papers": papers, "last_ingested": when.get(source) if source else None}
        for source, papers in sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))[:_MOST_SOURCES]
    ]


def _counted(client: QdrantBase, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    offset: Any = None
    while True:
        page, offset = client.scroll(name, limit=_PAGE, offset=offset, with_payload=[_SOURCES_KEY])
        for source in (source for record in page for source in sources_of(made_of(record.payload))):
            counts[source] = counts.get(source, 0) + 1
        if offset is None:
            return counts
