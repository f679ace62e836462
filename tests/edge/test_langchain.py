"""LangChain's Qdrant vector store on the embedded engine."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("langchain_qdrant")

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_qdrant import QdrantVectorStore, RetrievalMode, SparseEmbeddings, SparseVector
from qdrant_client import models

from specter2_plugins.edge import EdgeClient

EMBEDDINGS = DeterministicFakeEmbedding(size=16)
DOCUMENTS = [Document(f"text {n}", metadata={"n": n, "even": n % 2 == 0}) for n in range(8)]


class Letters(SparseEmbeddings):
    """A weight for each letter of a text."""

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        return SparseVector(
            indices=sorted({ord(letter) for letter in text}), values=[1.0] * len({ord(letter) for letter in text})
        )


@pytest.mark.parametrize("mode", RetrievalMode)
def test_a_store_made_from_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: RetrievalMode) -> None:
    # from_documents makes its own client of the `path` it is given.
    monkeypatch.setattr("langchain_qdrant.qdrant.QdrantClient", lambda path, **_: EdgeClient(path))
    store = QdrantVectorStore.from_documents(
        DOCUMENTS,
        EMBEDDINGS,
        sparse_embedding=Letters(),
        retrieval_mode=mode,
        path=str(tmp_path),
        collection_name="papers",
        sparse_vector_name="letters",
    )
    with store.client:
        found = store.similarity_search_with_score("text 3", k=3)
        assert found[0][0].page_content == "text 3"
        even = models.Filter(must=[models.FieldCondition(key="metadata.even", match=models.MatchValue(value=True))])
        assert {document.metadata["n"] for document in store.similarity_search("text 3", k=9, filter=even)} == {
            0,
            2,
            4,
            6,
        }
        ids = store.add_texts(["another"], [{"n": 8}])
        assert store.get_by_ids(ids)[0].page_content == "another"
        assert store.delete(ids)
        assert store.get_by_ids(ids) == []
        if mode is RetrievalMode.DENSE:
            assert store.max_marginal_relevance_search("text 3", k=2, fetch_k=5)[0].page_content == "text 3"
            vector = EMBEDDINGS.embed_query("text 5")
            assert store.similarity_search_by_vector(vector, k=1)[0].page_content == "text 5"
