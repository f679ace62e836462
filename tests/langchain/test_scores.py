"""What the scores of LangChain's Qdrant store mean, and what goes by them: relevances, thresholds, diversity."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import Paper, Specter2
from specter2_plugins.langchain import PaperVectorStore, Specter2Embeddings, open_vector_store
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec
from tests.langchain.conftest import QUERIES, keys


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_nearer_is_more_relevant(filled: Path, embeddings: Specter2Embeddings, mode: Any) -> None:
    with open_vector_store("papers", embeddings, store=filled, mode=mode) as store, warnings.catch_warnings():
        warnings.simplefilter("error")
        for query in QUERIES:
            relevances = [relevance for _, relevance in store.similarity_search_with_relevance_scores(query, k=6)]
            assert relevances == sorted(relevances, reverse=True)
            assert all(0 <= relevance <= 1 for relevance in relevances)


@pytest.mark.parametrize("distance", ["euclid", "cosine", "dot"])
def test_vectors_of_any_length_have_relevances(
    client: QdrantBase, model: Specter2, papers: list[Paper], distance: Any
) -> None:
    """Like SPECTER2's, this model's vectors are not of length 1."""
    ingest_papers(papers, client, model, CollectionSpec(distance=distance))
    embeddings = Specter2Embeddings(specter2=model, query_task="proximity")
    store = PaperVectorStore.from_collection(client, "papers", embeddings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = store.similarity_search_with_relevance_scores("Hox genes colour bumble bees", k=6)
    relevances = [relevance for _, relevance in found]
    assert relevances == sorted(relevances, reverse=True)
    assert all(0 <= relevance <= 1 for relevance in relevances)
    assert len(set(relevances)) > 1


@pytest.mark.parametrize("fusion", ["rrf", "dbsf"])
def test_relevances_of_both_fusions_are_within_bounds(
    filled: Path, embeddings: Specter2Embeddings, fusion: Any
) -> None:
    with open_vector_store("papers", embeddings, store=filled, mode="hybrid") as store, warnings.catch_warnings():
        warnings.simplefilter("error")
        found = store.similarity_search_with_relevance_scores(
            QUERIES[0], k=6, hybrid_fusion=models.FusionQuery(fusion=models.Fusion(fusion))
        )
    relevances = [relevance for _, relevance in found]
    assert relevances == sorted(relevances, reverse=True)
    assert len(set(relevances)) > 3


def test_thresholds(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_vector_store("papers", embeddings, store=filled) as store:
        scored = store.similarity_search_with_score("ranking documents", k=6)
        distances = [distance for _, distance in scored]
        assert distances == sorted(distances)
        middle = (distances[2] + distances[3]) / 2
        nearest = [document for document, _ in scored[:3]]
        assert store.similarity_search("ranking documents", k=6, score_threshold=middle) == nearest
        retriever = store.as_retriever(
            search_type="similarity_score_threshold", search_kwargs={"k": 6, "score_threshold": 1 / (1 + middle)}
        )
        assert retriever.invoke("ranking documents") == nearest


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
@pytest.mark.parametrize("lambda_mult", [0.0, 0.2, 0.5, 0.8, 1.0])
async def test_marginal_relevance_is_what_its_authors_define(
    filled: Path, embeddings: Specter2Embeddings, mode: Any, lambda_mult: float
) -> None:
    """Carbonell and Goldstein (1998), with the negative distance as similarity."""
    with open_vector_store("papers", embeddings, store=filled, mode=mode) as store:
        points, _ = store.client.scroll("papers", with_vectors=True)
        vectors = {point.payload["metadata"]["id"]: np.array(point.vector["proximity"]) for point in points}
        query = np.array(embeddings.embed_query(QUERIES[0]))
        chosen: list[str] = []
        while len(chosen) < 4:
            gains = {}
            for paper in vectors.keys() - chosen:
                likest = max((-np.linalg.norm(vectors[paper] - vectors[other]) for other in chosen), default=0.0)
                weight = lambda_mult if chosen else 1.0
                gains[paper] = -weight * np.linalg.norm(vectors[paper] - query) - (1 - weight) * likest
            chosen.append(max(gains, key=gains.__getitem__))
        search = {"k": 4, "fetch_k": 6, "lambda_mult": lambda_mult}
        retriever = store.as_retriever(search_type="mmr", search_kwargs=search)
        assert keys(retriever.invoke(QUERIES[0])) == keys(await retriever.ainvoke(QUERIES[0])) == chosen


def test_marginal_relevance_embeds_the_query_alone(filled: Path, embeddings: Specter2Embeddings) -> None:
    class Counting(Specter2Embeddings):
        documents: int = 0

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            self.documents += len(texts)
            return super().embed_documents(texts)

    counting = Counting(specter2=embeddings.specter2)
    with open_vector_store("papers", counting, store=filled) as store:
        assert store.max_marginal_relevance_search("soil", 2)
        assert isinstance(store.embeddings, Counting)
        assert store.embeddings.documents == 0


def test_a_search_by_words_alone_has_no_vectors_to_go_by(filled: Path) -> None:
    with open_vector_store("papers", store=filled, mode="sparse") as store:
        with pytest.raises(ValueError, match="Embeddings are required for maximal marginal relevance"):
            store.max_marginal_relevance_search("soil")
        with pytest.raises(ValueError, match="Embeddings are required for a search by a vector"):
            store.similarity_search_by_vector([1.0] * 384)
