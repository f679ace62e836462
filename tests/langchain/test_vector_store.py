"""LangChain's Qdrant store on collections of papers: what it finds, adds and refuses."""

from __future__ import annotations

import asyncio
import operator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_qdrant import QdrantVectorStore
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins import FilterError, Paper, PaperError, Specter2, StoreError, load_specter2
from specter2_plugins.demo import SAMPLE_PAPERS
from specter2_plugins.langchain import (
    PaperVectorStore,
    Specter2Embeddings,
    documents_to_papers,
    open_vector_store,
    papers_to_documents,
)
from specter2_plugins.papers.points import id_of
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, Hit, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.readers import read_papers
from specter2_plugins.store.preparation import prepare_collection
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


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, mini: Specter2) -> Path:
    """A store of real papers, no two of which have the same words of the queries below as often as each other."""
    store = tmp_path_factory.mktemp("library") / "store"
    with open_client(store=store) as client:
        ingest_papers(list(read_papers(SAMPLE_PAPERS))[::4], client, mini, CollectionSpec(sparse=("bm25",)))
    return store


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_the_first_of_many_are_those_of_search_papers(
    library: Path, mini: Specter2, embeddings: Specter2Embeddings, mode: Any
) -> None:
    queries = ["learning from images", "seed priming and water", "deep neural networks for speech emotion recognition"]
    with open_client(store=library) as client:
        store = PaperVectorStore.from_collection(client, "papers", embeddings, mode=mode)
        for query in queries:
            everything = search_papers(client, mini, query, limit=100, mode=mode)
            for k in (1, 3, 7):
                found = store.similarity_search_with_score(query, k=k)
                hits = search_papers(client, mini, query, limit=k, mode=mode)
                last = hits[-1].score
                assert [score for _, score in found] == pytest.approx([hit.score for hit in everything[:k]])
                # Two fused ranks can add up to the same, and any of those may come last.
                assert_same(
                    [(document, score) for document, score in found if score != pytest.approx(last)],
                    [hit for hit in hits if hit.score != pytest.approx(last)],
                )


@pytest.mark.parametrize(
    ("fusion", "given"),
    [
        ("rrf", {}),
        ("rrf", {"hybrid_fusion": models.RrfQuery(rrf=models.Rrf(k=60))}),
        ("dbsf", {"hybrid_fusion": models.FusionQuery(fusion=models.Fusion.DBSF)}),
    ],
)
def test_fusions_are_those_of_search_papers(
    filled: Path, mini: Specter2, embeddings: Specter2Embeddings, fusion: Any, given: dict[str, Any]
) -> None:
    with open_client(store=filled) as client:
        store = PaperVectorStore.from_collection(client, "papers", embeddings, mode="hybrid")
        for query in QUERIES:
            found = store.similarity_search_with_score(query, k=6, **given)
            assert_same(found, search_papers(client, mini, query, limit=6, mode="hybrid", fusion=fusion))
            rest = store.similarity_search_with_score(query, k=2, offset=4, **given)
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


def test_what_makes_no_sense_is_refused(client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings) -> None:
    ingest_papers([Paper("First", id="first")], client, mini)
    store = PaperVectorStore.from_collection(client, "papers", embeddings)
    with pytest.raises(ValueError, match="there are 1 ids for 2 texts"):
        store.add_texts(["a", "b"], ids=["x"])
    with pytest.raises(ValueError, match="there are 0 metadatas for 1 texts"):
        store.add_texts(["a"], metadatas=[])
    with pytest.raises(PaperError, match="input 1: text '' is blank"):
        store.add_texts(["a", ""])
    with pytest.raises(FilterError, match="filter is a dict, expected text such as"):
        store.similarity_search("a", filter={"year": 2019})
    with pytest.raises(ValueError, match="name the ids of the documents to delete"):
        store.delete()
    assert store.delete([])
    assert store.add_texts([]) == []
    assert client.count("papers").count == 1


def test_langchains_indexing_keeps_it_up_to_date(
    client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    prepare_collection(client, CollectionSpec(), mini)
    store = PaperVectorStore.from_collection(client, "papers", embeddings)
    records = InMemoryRecordManager("papers")
    records.create_schema()

    def run(some: list[Paper]) -> tuple[int, int, int]:
        done = index(
            papers_to_documents(some), records, store, cleanup="full", source_id_key="id", key_encoder="sha256"
        )
        return done["num_added"], done["num_skipped"], done["num_deleted"]

    assert run(papers) == (6, 0, 0)
    assert run(papers[:4]) == (0, 4, 2)
    assert set(keys(store.similarity_search("ranking", k=9))) == {"rank", "copy", "ltr", "soil"}


def test_metadata_that_looks_like_an_id_is_none(
    client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings
) -> None:
    paper = Paper("First", id="first", metadata={"_id": "somebody's"})
    ingest_papers([paper], client, mini)
    (found,) = PaperVectorStore.from_collection(client, "papers", embeddings).similarity_search("First")
    assert found.id == id_of("first")
    assert documents_to_papers([found]) == [paper]


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
