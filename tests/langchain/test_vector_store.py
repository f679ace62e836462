"""LangChain's Qdrant store on collections of papers: what it finds, and what its scores mean."""

from __future__ import annotations

import asyncio
import operator
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_qdrant import QdrantVectorStore
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import Paper, Specter2, StoreError, load_specter2
from specter2_plugins.langchain import (
    PaperVectorStore,
    Specter2Embeddings,
    documents_to_papers,
    open_vector_store,
    papers_to_documents,
)
from specter2_plugins.qdrant import CollectionSpec, Hit, ingest_papers, open_client, search_papers
from specter2_plugins.qdrant.points import id_of
from tests.langchain.conftest import QUERIES, keys


def assert_same(found: list[tuple[Document, float]], hits: list[Hit]) -> None:
    """The same papers with the same scores, best first; Qdrant leaves the order of equal scores open."""
    papers = documents_to_papers(document for document, _ in found)
    assert [score for _, score in found] == pytest.approx([hit.score for hit in hits])
    ours = [(score, document.id, paper) for (document, score), paper in zip(found, papers, strict=True)]
    theirs = [(hit.score, hit.point_id, hit.paper) for hit in hits]
    by_score_and_id = operator.itemgetter(0, 1)
    assert sorted(ours, key=by_score_and_id) == sorted(theirs, key=by_score_and_id)


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
@pytest.mark.parametrize("condition", [None, "year >= 2015"])
def test_equals_search_papers_hit_for_hit(
    filled: Path, mini: Specter2, embeddings: Specter2Embeddings, mode: Any, condition: str | None
) -> None:
    with open_client(store=filled) as client:
        store = PaperVectorStore.from_collection(client, "papers", embeddings, mode=mode)
        for query in QUERIES:
            found = store.similarity_search_with_score(query, k=6, filter=condition)
            assert found or mode == "sparse"
            assert_same(found, search_papers(client, mini, query, limit=6, mode=mode, filter=condition))


@pytest.mark.parametrize("fusion", ["rrf", "dbsf"])
def test_fusions_are_those_of_search_papers(
    filled: Path, mini: Specter2, embeddings: Specter2Embeddings, fusion: Any
) -> None:
    with open_client(store=filled) as client:
        store = PaperVectorStore.from_collection(client, "papers", embeddings, mode="hybrid")
        for query in QUERIES:
            found = store.similarity_search_with_score(
                query, k=6, hybrid_fusion=models.FusionQuery(fusion=models.Fusion(fusion))
            )
            assert_same(found, search_papers(client, mini, query, limit=6, mode="hybrid", fusion=fusion))
            rest = store.similarity_search_with_score(
                query, k=2, offset=4, hybrid_fusion=models.FusionQuery(fusion=models.Fusion(fusion))
            )
            assert [score for _, score in rest] == [score for _, score in found[4:]]


async def test_async_finds_the_same(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_vector_store("papers", embeddings, store=filled) as store:
        found = await asyncio.gather(*(store.asimilarity_search(query) for query in QUERIES))
        assert list(found) == [store.similarity_search(query) for query in QUERIES]


def test_the_plain_qdrant_store_opens_our_collections(filled: Path, embeddings: Specter2Embeddings) -> None:
    with open_client(store=filled) as client:
        plain = QdrantVectorStore(
            client, "papers", embeddings, vector_name="proximity", distance=models.Distance.EUCLID
        )
        ours = PaperVectorStore.from_collection(client, "papers", embeddings)
        for query in QUERIES:
            found = plain.similarity_search_with_score(query)
            assert documents_to_papers(document for document, _ in found) == documents_to_papers(
                ours.similarity_search(query)
            )
            assert [score for _, score in found] == [score for _, score in ours.similarity_search_with_score(query)]


def test_adding_what_specter2_ingested_replaces_it(
    client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    ingest_papers(papers, client, mini)
    before = {record.id: record for record in client.scroll("papers", with_vectors=True)[0]}
    store = PaperVectorStore.from_collection(client, "papers", embeddings)
    store.add_documents(papers_to_documents(papers))
    after = {record.id: record for record in client.scroll("papers", with_vectors=True)[0]}
    assert before.keys() == after.keys()
    for point, record in before.items():
        for key in ("page_content", "metadata"):
            assert after[point].payload[key] == record.payload[key]
        np.testing.assert_allclose(after[point].vector["proximity"], record.vector["proximity"], atol=1e-5)


def test_papers_are_not_added_without_some_of_their_vectors(
    filled: Path, embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    with open_client(store=filled) as client:
        hybrid = PaperVectorStore.from_collection(client, "papers", embeddings, mode="hybrid")
        assert hybrid.add_documents(papers_to_documents(papers[:1])) == [str(id_of("rank"))]
        dense = PaperVectorStore.from_collection(client, "papers", embeddings)
        with pytest.raises(StoreError, match="more vectors than a store in dense mode writes: 'bm25'"):
            dense.add_documents(papers_to_documents(papers[:1]))


def test_ids_of_papers_points_and_of_the_users_own(
    client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    ingest_papers(papers, client, mini)
    store = PaperVectorStore.from_collection(client, "papers", embeddings)
    (by_key,) = store.get_by_ids(["bees"])
    (by_point,) = store.get_by_ids([str(id_of("bees"))])
    assert by_key == by_point == store.similarity_search("bumble bees", k=1)[0]
    added = store.add_texts(["First", "Second", "Third"], ids=["any string", None, 7])
    assert [added[0], added[2]] == ["any string", 7]
    assert [document.page_content for document in store.get_by_ids(["any string"])] == ["First"]
    assert [document.page_content for document in store.get_by_ids(added[1:2])] == ["Second"]
    assert store.similarity_search("First", k=1)[0] == Document("First", id="any string", metadata={})
    assert store.delete(["any string", "bees"])
    assert store.get_by_ids(["any string", "bees"]) == []


def test_metadata_that_looks_like_an_id_is_none(
    client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings
) -> None:
    paper = Paper("First", id="first", metadata={"_id": "somebody's"})
    ingest_papers([paper], client, mini)
    (found,) = PaperVectorStore.from_collection(client, "papers", embeddings).similarity_search("First")
    assert found.id == id_of("first")
    assert documents_to_papers([found]) == [paper]


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


@pytest.mark.parametrize("search_type", ["similarity", "mmr", "similarity_score_threshold"])
@pytest.mark.parametrize(
    "condition",
    [
        "year >= 2019",
        models.Filter(must=[models.FieldCondition(key="metadata.year", range=models.Range(gte=2019))]),
    ],
    ids=["text", "filter"],
)
def test_retrievers_filter_by_metadata(
    filled: Path, embeddings: Specter2Embeddings, search_type: str, condition: Any
) -> None:
    with open_vector_store("papers", embeddings, store=filled) as store:
        search = {"k": 6, "filter": condition, "score_threshold": 0.0}
        if search_type != "similarity_score_threshold":
            del search["score_threshold"]
        retriever = store.as_retriever(search_type=search_type, search_kwargs=search)
        assert set(keys(retriever.invoke("soil"))) == {"rank", "copy"}


def test_the_collection_decides_the_tasks(client: QdrantBase, model: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers, client, model, CollectionSpec(tasks=("classification",)))
    given = Specter2Embeddings(specter2=model)
    embeddings = PaperVectorStore.from_collection(client, "papers", given).embeddings
    assert (embeddings.document_task, embeddings.query_task) == ("classification", "classification")
    assert (given.document_task, given.query_task) == ("document", "query")
    own = Specter2Embeddings(specter2=model, query_task="proximity")
    assert PaperVectorStore.from_collection(client, "papers", own).embeddings.query_task == "proximity"


def test_another_model_is_refused(filled: Path) -> None:
    other = Specter2Embeddings(specter2=load_specter2("mini", adapters={}, device="cpu"))
    with pytest.raises(StoreError, match="proximity"), open_vector_store("papers", other, store=filled):
        pass


def test_what_is_not_there_is_named(client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings) -> None:
    with pytest.raises(StoreError, match="no collection 'papers'"):
        PaperVectorStore.from_collection(client, "papers", embeddings)
    ingest_papers([Paper("A")], client, mini)
    with pytest.raises(StoreError, match="no sparse vector 'bm25'"):
        PaperVectorStore.from_collection(client, "papers", embeddings, mode="hybrid")
    with pytest.raises(StoreError, match="mode is 'both', expected one of dense, sparse, hybrid"):
        PaperVectorStore.from_collection(client, "papers", embeddings, mode="both")
