"""Points on their way in: checked whole before the engine sees the first of them.

The engine logs an operation before it rejects it, and applies what it can of it when the log is replayed after a
crash. So what it would reject never reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import qdrant_edge as edge
from pydantic_core import to_jsonable_python
from qdrant_client import models

from specter2_plugins.edge import limits
from specter2_plugins.edge.configuration import DEFAULT_VECTOR, vector_params
from specter2_plugins.edge.conversions import point_id, to_edge
from specter2_plugins.edge.dicts import as_model
from specter2_plugins.errors import StoreError, one_line

_NUMBER = 4
_POINT = 128
"""Bytes that a point takes beside what it holds."""


def unbatched(points: Any) -> Iterable[Any]:
    """Return the points of an upsert, whichever way they come."""
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


class Checked(NamedTuple):
    """What the engine can take, and about how many bytes of the disk it takes."""

    items: Any
    size: int


def to_points(points: Iterable[Any], config: models.CreateCollection) -> Checked:
    """Return points (anything with id, vector and payload) for the engine.

    Raises:
        StoreError: If there are none, or one does not fit the collection; the message names it.
    """
    dense, sparse = vector_params(config), config.sparse_vectors or {}
    converted, size = [], 0
    for point in (as_model(point, models.PointStruct) for point in points):
        given = point_id(point.id)
        vectors = _vectors(given, point.vector, dense, sparse)
        payload = to_payload(point.payload or {}, f"point {given}")
        converted.append(edge.Point(given, vectors, payload.items))
        size += _POINT + payload.size + _size(vectors)
    return Checked(_some(converted), size)


def to_point_vectors(points: Iterable[models.PointVectors], config: models.CreateCollection) -> Checked:
    """Return new vectors of points for the engine.

    Raises:
        StoreError: As `to_points`.
    """
    dense, sparse = vector_params(config), config.sparse_vectors or {}
    converted, size = [], 0
    for point in (as_model(point, models.PointVectors) for point in points):
        given = point_id(point.id)
        vectors = _vectors(given, point.vector, dense, sparse)
        converted.append(edge.PointVectors(given, vectors))
        size += _POINT + _size(vectors)
    return Checked(_some(converted), size)


def to_payload(payload: Mapping[str, Any], owner: str, key: str | None = None) -> Checked:
    """Return a payload as JSON has it: dates and UUIDs become strings.

    Args:
        payload: The payload.
        owner: What to call it in an error.
        key: The path in other payloads that it is put at.

    Raises:
        StoreError: If JSON or the engine cannot hold it.
    """
    above = limits.path_depth(key, owner)
    try:
        jsonable: dict[str, Any] = to_jsonable_python(payload)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{owner}: the payload is not JSON: {one_line(error)}") from None
    return Checked(jsonable, limits.measured(jsonable, owner, above))


def to_vector(vector: Any, params: models.VectorParams) -> Any:
    """Return a dense vector or a multivector for the engine.

    Raises:
        ValueError: If it is not made of numbers, or not of the collection's shape.
    """
    with np.errstate(over="ignore"):  # said below
        array = np.asarray(vector, dtype=np.float32)
    dimensions = 1 if params.multivector_config is None else 2
    if array.ndim != dimensions or not array.size:
        raise ValueError(f"expected {'a vector' if dimensions == 1 else 'a list of vectors'} of numbers")
    if array.shape[-1] != params.size:
        raise ValueError(f"Vector dimension error: expected dim: {params.size}, got {array.shape[-1]}")
    if np.isnan(array).any():
        raise ValueError("it has a NaN")
    if np.isinf(array).any():
        raise ValueError("it has an infinity, or a number that 32 bits cannot hold")
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
        except (TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"point {owner}, vector {name!r}: {one_line(error)}") from None
    return converted


def _size(vectors: Mapping[str, Any]) -> int:
    """Return bytes of the engine's vectors; an entry of a sparse one has an index and a value."""
    return sum(
        2 * _NUMBER * len(vector.indices) if isinstance(vector, edge.SparseVector) else vector.nbytes
        for vector in vectors.values()
    )


def _some(items: Sequence[Any]) -> Any:
    if not items:
        raise StoreError("Empty update request")
    return items
