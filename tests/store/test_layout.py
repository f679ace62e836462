"""Ingestion and search on a real embedded store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, Specter2, StoreError, load_specter2
from specter2_plugins.checkpoints.resolve import resolve
from specter2_plugins.papers.points import id_of, point_id
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.qdrant.similar import similar_papers


def stored(client: QdrantClient, name: str = "papers") -> dict[str, models.Record]:
    records, _ = client.scroll(name, limit=1000, with_vectors=True)
    return {str(record.id): record for record in records}


def test_points_hold_the_proximity_vector_and_langchain_payload(
    client: QdrantClient, mini: Specter2, papers: list[Paper]
) -> None:
    report = ingest_papers(papers, client, mini)
    assert (report.read, report.ingested, report.duplicate) == (5, 5, 0)
    record = stored(client)[id_of("ltr")]
    np.testing.assert_allclose(record.vector["proximity"], mini.encode_document(papers[1]), atol=1e-6)
    assert record.payload.pop("specter2").keys() == {"text", "metadata", "since"}
    assert record.payload == {
        "page_content": "Learning to rank for search\n\nPairwise losses order documents.",
        "metadata": {"year": 2009, "id": "ltr", "title": "Learning to rank for search"},
    }
    assert client.get_collection("papers").config.params.vectors["proximity"].distance == models.Distance.EUCLID


def test_ingesting_twice_adds_nothing(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers, client, mini)
    before = stored(client)
    ingest_papers(papers, client, mini)
    after = stored(client)
    assert before.keys() == after.keys()
    for point, record in before.items():
        np.testing.assert_array_equal(record.vector["proximity"], after[point].vector["proximity"])


def test_duplicates_within_a_run_are_counted(client: QdrantClient, mini: Specter2) -> None:
    twice = [Paper("Same id", id="a"), Paper("Other", id="a"), Paper("No id, Same Title"), Paper("no id same title!")]
    report = ingest_papers(twice, client, mini)
    assert (report.read, report.ingested, report.duplicate, report.conflict) == (4, 3, 1, 1)
    assert client.count("papers").count == 3


def test_ids_are_the_same_for_ever() -> None:
    assert point_id(Paper("x", id="10.1145/345508.344658")) == "c7dacc69-90ec-5dce-aae2-d6d29cabc096"
    assert point_id(Paper("Deep: learning!")) == "565c7304-00e4-53bf-9fe7-738e73759b8d"
    assert id_of("a") == "f9fbe69f-31f1-5545-ac42-6558565cb4f2" != point_id(Paper("a"))


def test_search_goes_through_adhoc_query(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers, client, mini)
    hits = search_papers(client, mini, "ranking documents with neural networks", limit=3)
    query = mini.encode_query("ranking documents with neural networks")
    distances = {paper.id: float(np.linalg.norm(query - mini.encode_document(paper))) for paper in papers}
    assert [hit.paper.id for hit in hits] == sorted(distances, key=distances.__getitem__)[:3]
    for hit in hits:
        assert hit.score == pytest.approx(distances[hit.paper.id], abs=1e-5)
    assert {hit.paper.id: hit.paper for hit in hits}["rank"] == papers[0]


def test_similar_by_id_and_by_paper_agree_and_leave_the_paper_out(
    client: QdrantClient, mini: Specter2, papers: list[Paper]
) -> None:
    ingest_papers(papers, client, mini)
    by_id = similar_papers(client, mini, "rank")
    by_paper = similar_papers(client, mini, papers[0])
    assert [hit.paper.id for hit in by_id] == [hit.paper.id for hit in by_paper]
    assert by_id[0].paper.id == "ltr"
    assert len(by_id) == 4
    new = similar_papers(client, mini, {"title": "Ranking", "abstract": "Ordering search results."}, limit=2)
    assert {hit.paper.id for hit in new} == {"rank", "ltr"}


def test_similar_to_an_unknown_id(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers[:1], client, mini)
    with pytest.raises(StoreError, match="holds no paper with the id 'nope'"):
        similar_papers(client, mini, "nope")


def test_missing_collection_lists_those_there(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers[:1], client, mini, CollectionSpec("library"))
    with pytest.raises(StoreError, match="no collection 'papers'; the store holds: library"):
        search_papers(client, mini, "x")


def test_another_model_is_refused_with_both_sides(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers, client, mini)
    other = load_specter2("mini", adapters={"proximity": resolve("mini").adapters["adhoc_query"]})
    weights = rf"weights: '{mini.fingerprint().weights}' there, '{other.fingerprint().weights}' here"
    with pytest.raises(StoreError, match=rf"filled by another model\. {weights}"):
        search_papers(client, other, "x")
    with pytest.raises(StoreError, match="another model"):
        ingest_papers(papers, client, other)


def test_a_base_without_adapters_has_collections_too(client: QdrantClient, papers: list[Paper]) -> None:
    plain = load_specter2("mini", adapters={})
    ingest_papers(papers, client, plain)
    assert list(client.get_collection("papers").config.params.vectors) == ["base"]
    assert search_papers(client, plain, "bumble bees", limit=1)[0].paper.id == "bees"


def test_another_task_is_refused(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers[:1], client, mini)
    with pytest.raises(StoreError, match="holds proximity vectors, not adhoc_query"):
        ingest_papers(papers, client, mini, CollectionSpec(tasks=("adhoc_query",)))


def test_another_size_and_distance_are_refused(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    client.create_collection("wide", {"proximity": models.VectorParams(size=768, distance=models.Distance.EUCLID)})
    with pytest.raises(StoreError, match="have 768 dimensions, the model's have 384"):
        search_papers(client, mini, "x", collection="wide")
    ingest_papers(papers[:1], client, mini)
    with pytest.raises(StoreError, match="compares by euclid, not by cosine"):
        ingest_papers(papers, client, mini, CollectionSpec(distance="cosine"))


def test_a_collection_of_unknown_origin_is_refused(client: QdrantClient, mini: Specter2) -> None:
    client.create_collection("bare", {"proximity": models.VectorParams(size=384, distance=models.Distance.EUCLID)})
    with pytest.raises(StoreError, match="does not say which model filled it"):
        search_papers(client, mini, "x", collection="bare")


def test_reopened_store_still_holds_everything(tmp_path: Path, mini: Specter2, papers: list[Paper]) -> None:
    with open_client(store=tmp_path / "kept") as client:
        ingest_papers(papers, client, mini)
    with open_client(store=tmp_path / "kept") as client:
        assert search_papers(client, mini, "bees", limit=1)[0].paper.id == "bees"
