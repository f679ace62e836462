"""The neighbours of a paper, as a LangChain retriever."""

from __future__ import annotations

from pathlib import Path

import pytest

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.langchain import SimilarPapersRetriever, Specter2Embeddings, open_vector_store
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.similar import similar_papers


def test_a_stored_paper_and_a_new_one(
    filled: Path, mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    new = Paper("Ranking", "Ordering search results.")
    with open_client(store=filled) as client:
        expected = [[hit.paper.id for hit in similar_papers(client, mini, paper, limit=3)] for paper in ("rank", new)]
    with open_vector_store("papers", embeddings, store=filled) as store:
        retriever = SimilarPapersRetriever(vectorstore=store, k=3)
        for paper, neighbours in zip(("rank", new), expected, strict=True):
            assert [document.metadata["id"] for document in retriever.invoke(paper)] == neighbours
        by_text = retriever.invoke("Ranking\n\nOrdering search results.")
        assert [document.metadata["id"] for document in by_text] == expected[1]
        assert "rank" not in [document.metadata["id"] for document in retriever.invoke(papers[0])]


async def test_async_filter_and_number(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_vector_store("papers", embeddings, store=filled) as store:
        retriever = SimilarPapersRetriever(vectorstore=store, filter="year < 2019")
        assert [document.metadata["id"] for document in await retriever.ainvoke("rank", k=1)] == ["ltr"]


def test_an_unknown_id_is_named(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_vector_store("papers", embeddings, store=filled) as store:
        retriever = SimilarPapersRetriever(vectorstore=store)
        with pytest.raises(StoreError, match="holds no paper with the id 'nope'"):
            retriever.invoke("nope")


def test_a_store_of_words_alone_is_refused(filled: Path) -> None:
    with (
        open_vector_store("papers", store=filled, mode="sparse") as store,
        pytest.raises(StoreError, match="open the store in mode 'dense' or 'hybrid'"),
    ):
        SimilarPapersRetriever(vectorstore=store)


def test_documents_are_those_of_the_store(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_vector_store("papers", embeddings, store=filled, mode="hybrid") as store:
        (nearest,) = SimilarPapersRetriever(vectorstore=store, k=1).invoke("rank")
        assert store.get_by_ids(["copy"]) == [nearest]
