"""What the engine answers -> qdrant-client's models."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.edge.conversions import ENUMS, INDEXES


def record(found: edge.Record, with_vector: bool | list[str]) -> models.Record:
    """Return a stored point, with the vectors asked for."""
    return models.Record.model_construct(**_stored(found, with_vector))


def scored_point(found: edge.ScoredPoint, with_vector: bool | list[str]) -> models.ScoredPoint:
    """Return a point that a query found, with the vectors asked for: MMR leaves its own in."""
    return models.ScoredPoint.model_construct(version=found.version, score=found.score, **_stored(found, with_vector))


def payload_schema(schema: dict[str, edge.PayloadIndexInfo]) -> dict[str, models.PayloadIndexInfo]:
    """Return the payload indexes of a collection."""
    return {field: _index_info(info) for field, info in schema.items()}


def _stored(found: edge.Record | edge.ScoredPoint, with_vector: bool | list[str]) -> dict[str, Any]:
    return {
        "id": found.id if isinstance(found.id, int) else str(found.id),
        "payload": found.payload,
        "vector": _selected(found.vector, with_vector),
        "order_value": found.order_value,
    }


def _selected(stored: Any, with_vector: bool | list[str]) -> Any:
    """Return a point's vectors; where some were asked for and it has none of them, an empty dict as of a server."""
    if with_vector is False:
        return None
    if not isinstance(stored, dict):
        return {} if stored is None or with_vector == [] else _vector(stored)
    return {name: _vector(vector) for name, vector in stored.items() if with_vector is True or name in with_vector}


def _vector(stored: Any) -> Any:
    if isinstance(stored, edge.SparseVector):
        return models.SparseVector.model_construct(indices=list(stored.indices), values=list(stored.values))
    return stored


def _index_info(info: edge.PayloadIndexInfo) -> models.PayloadIndexInfo:
    kind = models.PayloadSchemaType[str(info.data_type).rpartition(".")[2].upper()]
    return models.PayloadIndexInfo(data_type=kind, params=_index_params(kind, info.params), points=info.points)


def _index_params(kind: models.PayloadSchemaType, params: Any) -> Any:
    if params is None:
        return None
    model = next(model for model, target in INDEXES.items() if isinstance(params, target))
    given = {field: _from_edge(getattr(params, field)) for field in model.model_fields if field != "type"}
    return model(type=kind.value, **given)


def _from_edge(value: Any) -> Any:
    if isinstance(value, edge.StopwordsSet):
        return {"languages": sorted(map(_from_edge, value.languages or ())), "custom": sorted(value.custom or ())}
    if isinstance(value, edge.SnowballParams):
        return {"type": "snowball", "language": _from_edge(value.language)}
    if isinstance(value, edge.DisabledStemmer):
        return {"type": "none"}
    if isinstance(value, edge.TextScoringParams):
        return {"type": _from_edge(value.type)}
    if type(value) in ENUMS.values():
        return str(value).rpartition(".")[2].lower()
    return value
