"""What a paper collection is to look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, get_args

from specter2_plugins.errors import StoreError
from specter2_plugins.printable import from_json

Distance = Literal["euclid", "cosine", "dot"]
Quantization = Literal["scalar", "binary"]
IndexKind = Literal["keyword", "integer", "float", "text", "datetime", "bool"]

PRESETS: dict[str, dict[str, Any]] = from_json((files(__package__) / "presets.json").read_text(encoding="utf-8"))
"""Settings for a laptop, a server and a cluster; what is not said keeps its default."""

INDEXES: Mapping[str, str] = {
    "id": "keyword",
    "doi": "keyword",
    "year": "integer",
    "venue": "text",
    "authors": "text",
    "fields": "keyword",
    "published": "datetime",
    "date": "datetime",
}
"""Metadata that searches filter by, with the kind of payload index that Qdrant keeps for it."""


@dataclass(frozen=True)
class CollectionSpec:
    """A collection of papers.

    Example:
        >>> CollectionSpec("papers", tasks=("document", "classification"), sparse=("bm25",)).distance
        'euclid'

    Args:
        name: The collection's name.
        tasks: The tasks that each paper is embedded for, one named vector each: "document" (proximity, or the base
            of a model without adapters), or the name of an adapter, which is also the vector's name in Qdrant.
        distance: "euclid", as SPECTER2 was trained, "cosine" or "dot".
        sparse: Encoders of sparse vectors beside them, as `specter2_plugins.sparse.load_sparse` knows them.
        indexes: Metadata -> kind of its payload index: "keyword", "integer", "float", "text", "datetime" or "bool".
        quantization: How vectors are compressed in memory: "scalar" (1 byte a dimension), "binary" (1 bit), or None.
        on_disk: Keep full vectors and payloads on disk instead of in memory.
        shards: Parts that a cluster spreads over its nodes. Default: one a node.
        replicas: Copies of each part. Default: one.

    Raises:
        StoreError: If a setting is none of these.
    """

    name: str = "papers"
    tasks: tuple[str, ...] = ("document",)
    distance: Distance = "euclid"
    sparse: tuple[str, ...] = ()
    indexes: Mapping[str, str] = field(default_factory=lambda: dict(INDEXES))
    quantization: Quantization | None = None
    on_disk: bool = False
    shards: int | None = None
    replicas: int | None = None

    def __post_init__(self) -> None:
        if not self.tasks:
            raise StoreError("a collection needs at least one task, such as 'document'")
        _check("distance", self.distance, get_args(Distance))
        for name, kind in self.indexes.items():
            _check(f"the index of {name}", kind, get_args(IndexKind))
        if self.quantization is not None:
            _check("quantization", self.quantization, get_args(Quantization))

    @classmethod
    def preset(cls, preset: str, **settings: Any) -> CollectionSpec:
        """Return a spec for a "laptop", a "server" or a "cluster", with settings of your own over it.

        Raises:
            StoreError: If there is no such preset.
        """
        _check("preset", preset, tuple(PRESETS))
        return cls(**{**PRESETS[preset], **settings})


def _check(what: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise StoreError(f"{what} is {value!r}, expected one of {', '.join(known)}")
