"""A real embedded store, filled and read through `mini`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("langchain_qdrant")

from langchain_core.documents import Document
from qdrant_client.client_base import QdrantBase

from specter2_plugins import Paper, Specter2
from specter2_plugins.langchain import Specter2Embeddings
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, open_client

QUERIES = ["ranking documents with neural networks", "insects", "water in soil", "search"]


def keys(documents: list[Document]) -> list[str]:
    """The papers' own ids."""
    return [document.metadata["id"] for document in documents]


@pytest.fixture(scope="session")
def embeddings(mini: Specter2) -> Specter2Embeddings:
    return Specter2Embeddings(specter2=mini)


@pytest.fixture(scope="session")
def papers() -> list[Paper]:
    return [
        Paper("Neural ranking models", "Deep networks that score documents for a query.", "rank", {"year": 2019}),
        Paper("Neural models for ranking", "Deep networks score documents for queries.", "copy", {"year": 2020}),
        Paper("Learning to rank for search", "Pairwise losses order documents.", "ltr", {"year": 2009}),
        Paper("Soil water under drip irrigation", "Moisture between two emitters.", "soil", {"year": 2015}),
        Paper("Hox genes colour bumble bees", None, "bees"),
        Paper(None, "Acid rain after the Siberian Traps eruptions.", "traps"),
    ]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[QdrantBase]:
    with open_client(store=tmp_path / "store") as client:
        yield client


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, mini: Specter2, papers: list[Paper]) -> Path:
    """A store whose collection `papers` has dense and sparse vectors."""
    store = tmp_path_factory.mktemp("langchain") / "store"
    with open_client(store=store) as client:
        ingest_papers(papers, client, mini, CollectionSpec(sparse=("bm25",)))
    return store
