"""Qdrant's scores -> LangChain's relevances: from 0 to 1, and nearer is more."""

from __future__ import annotations


def of_distance(distance: float) -> float:
    """Return 1 at distance 0, falling towards 0."""
    return 1 / (1 + distance)


def of_product(product: float) -> float:
    """Return 1/2 at 0, rising towards 1: a dot product has no bounds."""
    return (1 + product / (1 + abs(product))) / 2


def of_fusion(score: float, best: float) -> float:
    """Return the share of what the first of all lists would have; only fusion by distribution goes beyond it."""
    return min(max(score / best, 0.0), 1.0)
