"""Stores of every kind: embedded on disk, a server over HTTP and gRPC and, with QDRANT_URL set, a real server."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qdrant_client")

from qdrant_client import QdrantClient, models

from specter2_plugins import Paper
from specter2_plugins.qdrant import open_client
from tests.qdrant.server import Local, Remote, Server

SERVERS = ["rest", "grpc", *(["remote"] if os.environ.get("QDRANT_URL") else [])]
KINDS = ["embedded", *SERVERS]


def new_server(kind: str) -> Server:
    """A server on Qdrant's local engine, or in front of the one at QDRANT_URL."""
    if kind == "remote":
        return Server(Remote(os.environ["QDRANT_URL"], os.environ.get("QDRANT_API_KEY")))
    return Server(Local(), grpc=kind == "grpc")


def payload_of(record: models.Record) -> dict[str, Any]:
    """A point's payload but for the moment it came in, which no two runs share."""
    payload = copy.deepcopy(record.payload or {})
    payload["specter2"].pop("since")
    return payload


@contextmanager
def open_store(kind: str, folder: Path) -> Iterator[QdrantClient]:
    """An empty store of a kind; an embedded one in a folder."""
    if kind == "embedded":
        with open_client(store=folder) as client:
            yield client
    else:
        with new_server(kind) as server, open_client(**server.address) as client:
            yield client


@pytest.fixture
def papers() -> list[Paper]:
    return [
        Paper("Neural ranking models", "Deep networks that score documents for a query.", id="rank"),
        Paper("Learning to rank for search", "Pairwise losses order documents.", id="ltr", metadata={"year": 2009}),
        Paper("Soil water under drip irrigation", "Moisture between two emitters.", id="soil"),
        Paper("Hox genes colour bumble bees", None, id="bees"),
        Paper(None, "Acid rain after the Siberian Traps eruptions.", id="traps"),
    ]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A Qdrant server with a switch for faults."""
    with new_server(request.param) as server:
        yield server


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[QdrantClient]:
    """An empty store of each kind."""
    with open_store(request.param, tmp_path / "store") as client:
        yield client
