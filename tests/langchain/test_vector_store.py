"""LangChain's own Qdrant vector store on a collection that we filled."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("langchain_qdrant")

from langchain_qdrant import QdrantVectorStore
from qdrant_client.models import Distance

from specter2_plugins import Paper, Specter2
from specter2_plugins.langchain import Specter2Embeddings
from specter2_plugins.qdrant import ingest_papers, open_client, search_papers


def test_a_collection_opens_without_a_mapping(tmp_path: Path, mini: Specter2) -> None:
    papers = [
        Paper("Neural ranking", "Networks score documents.", id="rank", metadata={"year": 2018}),
        Paper("Soil water", "Moisture between emitters.", id="soil"),
    ]
    with open_client(store=tmp_path / "store") as client:
        ingest_papers(papers, client, mini)
        store = QdrantVectorStore(
            client,
            "papers",
            Specter2Embeddings(model="mini"),
            vector_name="proximity",
            distance=Distance.EUCLID,
        )
        found = store.similarity_search("ranking documents", k=2)
        hits = search_papers(client, mini, "ranking documents", limit=2)
    assert [document.metadata["id"] for document in found] == [hit.paper.id for hit in hits] == ["rank", "soil"]
    assert found[0].page_content == "Neural ranking\n\nNetworks score documents."
    assert found[0].metadata["year"] == 2018
