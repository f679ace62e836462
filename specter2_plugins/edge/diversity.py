"""Maximal marginal relevance over sparse vectors, which the engine has over dense ones alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray


def chosen(
    query: edge.SparseVector, candidates: Sequence[edge.SparseVector], relevance_share: float, count: int
) -> list[int]:
    """Return the positions of the candidates to show, in their order.

    The first is the nearest to the query; each further one is near to the query and unlike those before it. Vectors are
    compared by their dot product. Ties go as on a server, which takes the last of equals and fills the place of the one
    that it took with the last that is left.

    Args:
        query: What the candidates were found by.
        candidates: Vectors, at least one.
        relevance_share: How much nearness to the query counts, from 0 to 1; the rest is distance from those before.
        count: How many to choose at most.

    Source: https://qdrant.tech/documentation/concepts/search-relevance/#maximal-marginal-relevance-mmr
    """
    rows = _rows([query, *candidates])
    relevance = rows[1:] @ rows[0]
    alike = rows[1:] @ rows[1:].T
    pending = list(range(len(candidates)))
    order = [_take(pending, relevance)]
    nearest = alike[order[0]]
    while pending and len(order) < count:
        order.append(_take(pending, relevance_share * relevance - (1 - relevance_share) * nearest))
        nearest = np.maximum(nearest, alike[order[-1]])
    return order


def _rows(vectors: Sequence[edge.SparseVector]) -> NDArray[np.float32]:
    """Return the vectors as rows of a matrix that has a column for each index that one of them has."""
    used = np.unique(np.concatenate([np.asarray(vector.indices, dtype=np.int64) for vector in vectors]))
    rows = np.zeros((len(vectors), len(used)), dtype=np.float32)
    for row, vector in zip(rows, vectors, strict=True):
        row[np.searchsorted(used, np.asarray(vector.indices, dtype=np.int64))] = vector.values
    return rows


def _take(pending: list[int], scores: NDArray[np.float32]) -> int:
    place = max(range(len(pending)), key=lambda place: (scores[pending[place]], place))
    pending[place], pending[-1] = pending[-1], pending[place]
    return pending.pop()
