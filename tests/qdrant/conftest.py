"""A real embedded Qdrant on disk, filled with `mini`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("qdrant_client")

from qdrant_client import QdrantClient

from specter2_plugins import Paper
from specter2_plugins.qdrant import open_client


@pytest.fixture
def papers() -> list[Paper]:
    return [
        Paper("Neural ranking models", "Deep networks that score documents for a query.", id="rank"),
        Paper("Learning to rank for search", "Pairwise losses order documents.", id="ltr", metadata={"year": 2009}),
        Paper("Soil water under drip irrigation", "Moisture between two emitters.", id="soil"),
        Paper("Hox genes colour bumble bees", None, id="bees"),
        Paper(None, "Acid rain after the Siberian Traps eruptions.", id="traps"),
    ]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[QdrantClient]:
    with open_client(store=tmp_path / "store") as client:
        yield client
