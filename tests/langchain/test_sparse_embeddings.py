"""Sparse vectors as langchain-qdrant asks for them."""

from __future__ import annotations

import warnings

import pytest
from langchain_core.load import dumps, loads
from langchain_qdrant import QdrantVectorStore, RetrievalMode, SparseEmbeddings
from qdrant_client import models

from specter2_plugins import CheckpointError, Paper, Specter2, StoreError
from specter2_plugins.langchain import Specter2Embeddings, Specter2SparseEmbeddings, papers_to_documents
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.sparse.bm25 import Bm25


def test_sparse_vectors_are_the_encoders() -> None:
    embeddings = Specter2SparseEmbeddings()
    query = embeddings.embed_query("ranking ranked documents")
    (document,) = embeddings.embed_documents(["ranking ranked documents\n\ndocuments"])
    assert set(query.indices) == set(document.indices)
    assert query.values == [1.0, 1.0]
    assert isinstance(embeddings, SparseEmbeddings)
    short = Specter2SparseEmbeddings(encoder=Bm25(average_length=2))
    assert short.embed_documents(["ranking documents"])[0].values < document.values
    assert embeddings.embed_documents([]) == []
    with pytest.raises(CheckpointError, match="unknown sparse encoder 'bm52'"):
        Specter2SparseEmbeddings(model="bm52")


async def test_async_equals_sync() -> None:
    embeddings = Specter2SparseEmbeddings()
    assert await embeddings.aembed_query("ranking") == embeddings.embed_query("ranking")
    assert await embeddings.aembed_documents(["ranking", "b"]) == embeddings.embed_documents(["ranking", "b"])


def test_the_settings_survive_langchain_and_json() -> None:
    embeddings = Specter2SparseEmbeddings(model="bm25")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangChain calls its own loads a beta
        revived = loads(
            dumps(embeddings), allowed_objects=[Specter2SparseEmbeddings], valid_namespaces=["specter2_plugins"]
        )
    assert revived == Specter2SparseEmbeddings.model_validate_json(embeddings.model_dump_json()) == embeddings
    with pytest.raises(ValueError, match="do not say which model was passed"):
        Specter2SparseEmbeddings(encoder=Bm25(average_length=2)).model_dump_json()


@pytest.mark.parametrize("idf", [True, False])
def test_search_reads_what_langchain_wrote(
    mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper], idf: bool
) -> None:
    theirs = QdrantVectorStore.from_documents(
        papers_to_documents(papers),
        embedding=embeddings,
        sparse_embedding=Specter2SparseEmbeddings(),
        retrieval_mode=RetrievalMode.HYBRID,
        location=":memory:",
        collection_name="theirs",
        sparse_vector_name="bm25",
        sparse_vector_params={"modifier": models.Modifier.IDF} if idf else None,
    )
    if not idf:
        with pytest.raises(StoreError, match=r"'theirs' was made without Modifier\.IDF for its sparse vectors 'bm25'"):
            search_papers(theirs.client, None, "bees", collection="theirs", mode="sparse")
        return
    for mode in ("sparse", "hybrid"):
        (hit,) = search_papers(theirs.client, mini, "bumble bees", collection="theirs", mode=mode, limit=1)
        assert hit.paper.id == "bees"
