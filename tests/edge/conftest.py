"""Embedded stores, and a pair of engines that hold the same."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qdrant_edge")

from qdrant_client import QdrantClient, models

from specter2_plugins.edge import EdgeClient
from tests.edge import pairs
from tests.edge.owners import owner, store

__all__ = ["owner", "store"]


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[EdgeClient]:
    with EdgeClient(tmp_path / "store") as client:
        yield client


@dataclass(frozen=True)
class Pair:
    """The embedded engine and qdrant-client's local mode, with the same points."""

    edge: EdgeClient
    local: QdrantClient
    points: list[models.PointStruct]

    @property
    def ids(self) -> list[Any]:
        return [point.id for point in self.points]

    @property
    def complete(self) -> list[Any]:
        """The ids of points that have every vector."""
        names = pairs.VECTORS.keys() | pairs.SPARSE_VECTORS.keys()
        return [point.id for point in self.points if point.vector.keys() == names]


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    points = pairs.points(random.Random(7), 80)
    with EdgeClient(tmp_path_factory.mktemp("edge") / "store") as edge, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # local mode warns that payload indexes do nothing there
        local = QdrantClient(":memory:")
        for client in (edge, local):
            pairs.fill(client, points)
            pairs.index(client)
        yield Pair(edge, local, points)
