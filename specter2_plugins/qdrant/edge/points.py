"""Points on their way in: checked whole before the engine sees the first of them.

The engine logs an operation before it rejects it, and applies what it can of it when the log is replayed after a
crash. So what it would reject never reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import qdrant_edge as edge
from pydantic_core import PydanticSerializationError, to_jsonable_python
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge.configuration import DEFAULT_VECTOR, vector_params
from specter2_plugins.qdrant.edge.conversions import point_id, to_edge


def unbatched(points: Any) -> Iterable[Any]:
    """The points of an upsert, whichever way they come."""
    if isinstance(points, models.PointsList):
        return points.points
    if isinstance(points, models.PointsBatch):
        points = points.batch
    if not isinstance(points, models.Batch):
        return points
    vectors = points.vectors if isinstance(points.vectors, dict) else {DEFAULT_VECTOR: points.vectors}
    payloads: Sequence[Any] = points.payloads or [None] * len(points.ids)
    lengths = {"ids": len(points.ids), "payloads": len(payloads)}
    lengths.update({f"vectors {name!r}".replace(" ''", ""): len(column) for name, column in vectors.items()})
    if len(set(lengths.values())) > 1:
        raise StoreError(f"the columns of a batch differ in length: {lengths}")
    return [
        models.PointStruct.model_construct(
            id=given, vector={name: column[row] for name, column in vectors.items()}, payload=payloads[row]
        )
        for row, given in enumerate(points.ids)
    ]


def to_points(points: Iterable[Any], config: models.CreateCollection) -> list[edge.Point]:
    """Points (anything with id, vector and payload) for the engine.

    Raises:
        StoreError: If there are none, or one does not fit the collection; the message names it.
    """
    dense, sparse = vector_params(config), config.sparse_vectors or {}
    converted = [
        edge.Point(
            point_id(point.id),
            _vectors(point.id, point.vector, dense, sparse),
            to_payload(point.payload or {}, f"point {point.id}"),
        )
        for point in points
    ]
    return _some(converted)


def to_point_vectors(points: Iterable[models.PointVectors], config: models.CreateCollection) -> list[edge.PointVectors]:
    """New vectors of points for the engine.

    Raises:
        StoreError: As `to_points`.
    """
    dense, sparse = vector_params(config), config.sparse_vectors or {}
    return _some(
        [edge.PointVectors(point_id(point.id), _vectors(point.id, point.vector, dense, sparse)) for point in points]
    )


def to_payload(payload: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """A payload as JSON has it: dates and UUIDs become strings.

    Raises:
        StoreError: If JSON cannot hold it.
    """
    try:
        jsonable: dict[str, Any] = to_jsonable_python(payload)
    except PydanticSerializationError as error:
        raise StoreError(f"{owner}: the payload is not JSON: {error}") from None
    return jsonable


def to_vector(vector: Any, params: models.VectorParams) -> Any:
    """A dense vector or a multivector for the engine.

    Raises:
        ValueError: If it is not made of numbers, or not of the collection's shape.
    """
    array = np.asarray(vector, dtype=np.float32)
    dimensions = 1 if params.multivector_config is None else 2
    if array.ndim != dimensions or not array.size:
        raise ValueError(f"expected {'a vector' if dimensions == 1 else 'a list of vectors'} of numbers")
    if array.shape[-1] != params.size:
        raise ValueError(f"Vector dimension error: expected dim: {params.size}, got {array.shape[-1]}")
    if np.isnan(array).any():
        raise ValueError("it has a NaN")
    return array


def _vectors(
    owner: Any,
    given: Any,
    dense: Mapping[str, models.VectorParams],
    sparse: Mapping[str, models.SparseVectorParams],
) -> dict[str, Any]:
    named = given if isinstance(given, dict) else {DEFAULT_VECTOR: given}
    converted = {}
    for name, vector in named.items():
        if vector is None:
            continue
        try:
            if isinstance(vector, models.SparseVector):
                if name not in sparse:
                    raise ValueError("the collection has no sparse vector of this name")
                converted[name] = to_edge(vector)
            elif name in dense:
                converted[name] = to_vector(vector, dense[name])
            else:
                raise ValueError("the collection has no dense vector of this name")
        except (TypeError, ValueError) as error:
            raise StoreError(f"point {owner}, vector {name!r}: {error}") from None
    return converted


def _some(items: Sequence[Any]) -> Any:
    if not items:
        raise StoreError("Empty update request")
    return items
