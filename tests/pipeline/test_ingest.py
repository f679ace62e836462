"""The pipeline: what it leaves alone, what it writes, and in how many requests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grpc import RpcError
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from specter2_plugins import Paper, PaperError, Specter2, StoreError
from specter2_plugins.papers.points import id_of, point_id
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.pipeline.ingestion import changes
from specter2_plugins.pipeline.ingestion import ingest as pipeline
from specter2_plugins.qdrant import CollectionSpec, IngestReport, Retries, open_client
from specter2_plugins.readers import Rejected
from tests.qdrant.server import Request, Server

HYBRID_MINI = CollectionSpec(sparse=("bm25",))
HYBRID = CollectionSpec(tasks=("document", "classification"), sparse=("bm25",))


def many(count: int, start: int = 0) -> list[Paper]:
    return [
        Paper(f"Graphs {number}", f"The study number {number} of graph networks.", str(number), {"year": 2000 + number})
        for number in range(start, start + count)
    ]


def stored(client: QdrantClient, name: str = "papers") -> dict[str, models.Record]:
    records, _ = client.scroll(name, limit=10_000, with_vectors=True)
    return {str(record.id): record for record in records}


def counts(report: IngestReport) -> dict[str, float]:
    return {name: count for name, count in report.to_dict().items() if count and "seconds" not in name}


def sent(call: Request) -> dict[str, Any]:
    return json.loads(call.body)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)


def test_points_hold_every_vector(client: QdrantClient, model: Specter2) -> None:
    papers = many(5)
    ingest_papers(papers, client, model, HYBRID)
    records = stored(client)
    for paper in papers:
        vector = records[id_of(paper.id)].vector
        for adapter in ("proximity", "classification"):
            np.testing.assert_allclose(vector[adapter], model.encode(paper, task=adapter), atol=1e-5)
        assert len(vector["bm25"].indices) == len(set(vector["bm25"].indices)) >= 4
    info = client.get_collection("papers")
    assert info.config.params.sparse_vectors["bm25"].modifier == models.Modifier.IDF
    assert set(info.config.metadata["specter2"]) == {"proximity", "classification", "bm25"}


@pytest.mark.usefixtures("small_batches")
def test_only_what_changed_is_written(client: QdrantClient, model: Specter2) -> None:
    papers = many(30)
    first = ingest_papers(papers, client, model)
    assert counts(first) == {"read": 30, "ingested": 30, "embedded": 30, "tokens": first.tokens}
    assert first.encoding_seconds > 0 < first.tokens
    assert counts(ingest_papers(papers, client, model)) == {"read": 30, "unchanged": 30}

    changed = [
        replace(papers[0], abstract="Another abstract"),
        replace(papers[1], metadata={"year": 1999, "venue": "SIGIR"}),
        *papers[2:],
        *many(1, start=30),
    ]
    before = stored(client)
    again = counts(ingest_papers(changed, client, model))
    assert again.pop("tokens") > 0
    assert again == {"read": 31, "ingested": 3, "embedded": 2, "unchanged": 28}
    after = stored(client)
    new, metadata_only = (id_of(paper.id) for paper in papers[:2])
    assert after[new].payload["page_content"] == "Graphs 0\n\nAnother abstract"
    assert after[new].vector != before[new].vector
    assert after[metadata_only].payload["metadata"] == {"year": 1999, "venue": "SIGIR", "id": "1", "title": "Graphs 1"}
    assert after[metadata_only].vector == before[metadata_only].vector
    assert counts(ingest_papers(changed, client, model)) == {"read": 31, "unchanged": 31}


ODD = {
    "nothing": None,
    "nested": {"list": [1, 2.5, None, True, {"deep": []}], "empty": {}},
    "whole": 3.0,
    "small": 1e-300,
    "large": 2**62,
    "text": "Überblick \U0001f4da \x00",
    "": "no name",
}


@pytest.mark.usefixtures("small_batches")
def test_points_are_the_same_by_rest_and_by_grpc(model: Specter2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_now", lambda: "2026-01-02T03:04:05+00:00")
    papers = [replace(paper, metadata={**paper.metadata, **ODD}) for paper in many(20)]
    changed = [replace(papers[0], metadata=ODD), *papers[1:]]
    with Server(grpc=True) as server, open_client(url=server.url) as rest, open_client(**server.address) as grpc:
        for client, name in ((rest, "rest"), (grpc, "grpc")):
            for source in (papers, changed):
                ingest_papers(source, client, model, replace(HYBRID, name=name))
        assert stored(grpc, "grpc") == stored(grpc, "rest")
        assert {point.payload["specter2"]["since"] for point in stored(grpc, "grpc").values()} == {changes._now()}
        assert stored(rest, "grpc") == stored(rest, "rest")
        assert counts(ingest_papers(changed, rest, model, replace(HYBRID, name="grpc"))) == {
            "read": 20,
            "unchanged": 20,
        }
        there = {name: rest.get_collection(name) for name in ("rest", "grpc")}
        assert there["rest"].config.metadata == there["grpc"].config.metadata
        assert there["rest"].payload_schema == there["grpc"].payload_schema


@pytest.mark.usefixtures("small_batches")
def test_an_unchanged_batch_costs_one_lookup_and_no_writes(server: Server, model: Specter2) -> None:
    with open_client(**server.address) as client:
        ingest_papers(many(40), client, model)
        server.requests.clear()
        ingest_papers(many(40), client, model)
    assert len(server.calls("POST /collections/papers/points")) == 5
    assert not server.calls("PUT .*")


def test_the_counts_add_up(client: QdrantClient, model: Specter2) -> None:
    ingest_papers(many(3), client, model)
    records = [*many(5), Rejected("file", 6, "x", "no text"), Paper("Graphs", id="1"), Rejected("file", 8, None, "?")]
    seen: list[int] = []
    report = ingest_papers(iter(records), client, model, on_progress=lambda report: seen.append(report.read))
    assert (
        counts(report).items()
        >= {"read": 8, "ingested": 2, "unchanged": 3, "duplicate": 1, "rejected": 2, "unnamed": 1}.items()
    )
    assert report.read == report.ingested + report.unchanged + report.duplicate + report.rejected
    assert seen[-1] == 8


@pytest.mark.usefixtures("small_batches")
def test_a_record_that_was_rejected_is_no_paper_of_that_id(client: QdrantClient, model: Specter2) -> None:
    source = [Rejected("file", 1, "9", "no text"), *many(9), Rejected("file", 11, "3", "no text"), many(10)[9]]
    report = ingest_papers(source, client, model)
    assert counts(report).items() >= {"read": 12, "ingested": 10, "rejected": 2}.items()
    assert id_of("9") in stored(client)


def test_a_dry_run_writes_nothing(client: QdrantClient, model: Specter2) -> None:
    assert counts(ingest_papers(many(3), client, model, dry_run=True)) == {"read": 3, "ingested": 3, "embedded": 3}
    assert not client.collection_exists("papers")
    ingest_papers(many(3), client, model)
    changed = [replace(many(1)[0], metadata={}), *many(4)[1:]]
    report = ingest_papers(changed, client, model, dry_run=True)
    assert counts(report) == {"read": 4, "ingested": 2, "embedded": 1, "unchanged": 2}
    assert client.count("papers").count == 3


def test_bulk_defers_the_search_graph_and_waits_for_it(server: Server, model: Specter2) -> None:
    with open_client(**server.address) as client:
        server.faults.add("GET /collections/papers", "yellow", times=3, skip=1)
        ingest_papers(many(3), client, model, bulk=True)
        assert client.get_collection("papers").config.hnsw_config.m == 16
    edges = [sent(call)["hnsw_config"]["m"] for call in server.calls("PATCH /collections/papers")]
    assert edges == [0, 16]


def edges(client: QdrantClient) -> int | None:
    return client.get_collection("papers").config.hnsw_config.m


def test_bulk_leaves_the_search_graph_as_it_was(server: Server, model: Specter2) -> None:
    with open_client(**server.address) as client:
        ingest_papers(many(1), client, model)
        client.update_collection("papers", hnsw_config=models.HnswConfigDiff(m=48))
        ingest_papers(many(2), client, model, bulk=True)
        assert edges(client) == 48
        # Without a graph on purpose, as where every tenant has a small one.
        client.update_collection("papers", hnsw_config=models.HnswConfigDiff(m=0, payload_m=16))
        for bulk in (False, True):
            ingest_papers(many(3 + bulk), client, model, bulk=bulk)
            assert edges(client) == 0


@pytest.mark.parametrize("folder", ["store", ":memory:"])
def test_bulk_is_for_servers_alone(tmp_path: Path, model: Specter2, folder: str) -> None:
    with open_client(tmp_path / folder if folder == "store" else folder) as client:
        with pytest.raises(StoreError, match="is for a Qdrant server"):
            ingest_papers(many(1), client, model, bulk=True)
        assert not client.collection_exists("papers")


@pytest.mark.parametrize("bulk", [False, True])
def test_a_bulk_run_that_was_cut_off_is_ended_by_the_next(server: Server, model: Specter2, bulk: bool) -> None:
    with open_client(**server.address) as client:
        ingest_papers(many(1), client, model)
        client.update_collection("papers", hnsw_config=models.HnswConfigDiff(m=48))
        server.faults.add("PUT .*/points|PATCH .*", 400, skip=1)
        with pytest.raises((UnexpectedResponse, RpcError)):
            ingest_papers(many(3), client, model, bulk=True)
        server.faults.clear()
        assert edges(client) == 0
        ingest_papers(many(3), client, model, bulk=bulk)
        assert edges(client) == 48


def test_a_collection_that_another_run_makes_meanwhile(
    server: Server, model: Specter2, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_client(**server.address) as client, open_client(**server.address) as other:
        exists = client.collection_exists
        answers = iter([False, False])

        def at_first_not(name: str) -> bool:
            answer = next(answers, None)
            if answer is None:
                return exists(name)
            if not exists(name):
                ingest_papers(many(1), other, model)
            return answer

        monkeypatch.setattr(client, "collection_exists", at_first_not)
        assert ingest_papers(many(2), client, model).ingested == 2
        assert client.count("papers").count == 2


def test_a_request_is_as_large_as_it_may_be_at_most(
    model: Specter2, mini: Specter2, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specter2_plugins.pipeline.ingestion import uploads

    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    papers = [
        Paper(f"論文 {number}", "検索" * number * 20, str(number), {"note": "\x1b\u2028" * 50}) for number in range(60)
    ]
    for grpc in (False, True):
        with Server(grpc=grpc) as server, open_client(**server.address) as client:
            ingest_papers(papers, client, mini, HYBRID_MINI)
            ingest_papers([replace(paper, metadata={"x": "題" * 3000}) for paper in papers], client, mini, HYBRID_MINI)
            calls = server.calls("PUT .*/points|POST .*/points/batch")
            assert 2 < len(calls) < 50
            if not grpc:
                assert max(len(call.body) for call in calls) <= 100_000


def test_requests_are_cut_by_bytes_and_by_count(
    server: Server, model: Specter2, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specter2_plugins.pipeline.ingestion import uploads

    monkeypatch.setattr(uploads, "MOST_BYTES", 18_000)
    monkeypatch.setattr(uploads, "MOST_POINTS", 10)
    long = [Paper(f"Long {number}", "graph " * 1500, str(number)) for number in range(4)]
    with open_client(**server.address) as client:
        ingest_papers([*many(25, start=10), *long], client, model)
        assert client.count("papers").count == 29
    sizes = [len(sent(call)["points"]) for call in server.calls("PUT /collections/papers/points")]
    assert max(sizes) == 10
    assert sizes.count(1) >= 3


def test_spec_shapes_the_collection(server: Server, model: Specter2, caplog: pytest.LogCaptureFixture) -> None:
    spec = CollectionSpec.preset("cluster", name="wide", distance="cosine", indexes={"year": "integer"})
    with open_client(**server.address) as client:
        ingest_papers(many(1), client, model, spec)
        assert "made for a cluster, and this store has 1 node: 6 shards lie on it, and of 2 copies" in caplog.text
        caplog.clear()
        ingest_papers(many(1), client, model, CollectionSpec.preset("server", name="one"))
        assert "cluster" not in caplog.text
    created = sent(server.calls("PUT /collections/wide")[0])
    assert created["shard_number"] == 6
    assert created["replication_factor"] == 2
    assert created["quantization_config"]["scalar"]["type"] == "int8"
    vector = {name: value for name, value in created["vectors"]["proximity"].items() if value is not None}
    assert vector == {"size": model.dimensions, "distance": "Cosine", "on_disk": True}
    assert [sent(call) for call in server.calls("PUT /collections/wide/index")] == [
        {"field_name": "metadata.year", "field_schema": "integer"}
    ]
    with open_client(**server.address) as client:
        client.delete_payload_index("wide", "metadata.year")
        ingest_papers(many(1), client, model, spec)
        assert list(client.get_collection("wide").payload_schema) == ["metadata.year"]
    with pytest.raises(StoreError, match="preset is 'huge', expected one of laptop, server, cluster"):
        CollectionSpec.preset("huge")
    with pytest.raises(StoreError, match="the index of year is 'number', expected one of keyword, integer, float"):
        CollectionSpec(indexes={"year": "number"})


def test_other_vectors_are_refused(client: QdrantClient, model: Specter2) -> None:
    ingest_papers(many(2), client, model, HYBRID)
    with pytest.raises(StoreError, match=r"holds \w+ and \w+ vectors, not proximity; name another"):
        ingest_papers(many(2), client, model)
    with pytest.raises(StoreError, match="have sparse vectors too; add: --sparse bm25"):
        ingest_papers(many(2), client, model, replace(HYBRID, sparse=()))


@pytest.mark.usefixtures("small_batches")
def test_a_source_that_breaks_keeps_what_came_before(client: QdrantClient, model: Specter2) -> None:
    def source() -> Iterator[Paper]:
        yield from many(20)
        raise PaperError("line 21 is broken")

    with pytest.raises(PaperError, match="line 21"):
        ingest_papers(source(), client, model, source="library", delete_missing=True)
    assert client.count("papers").count == 16
    assert counts(ingest_papers(many(20), client, model)).items() >= {"ingested": 4, "unchanged": 16}.items()


@pytest.mark.usefixtures("small_batches")
def test_reading_runs_ahead_by_a_bounded_number(client: QdrantClient, model: Specter2) -> None:
    taken = threading.Event()
    pulled = 0

    def source() -> Iterator[Paper]:
        nonlocal pulled
        for paper in many(2000):
            pulled += 1
            yield paper

    most = 0

    def slow(report: IngestReport) -> None:
        nonlocal most
        if not taken.wait(0.01):
            most = max(most, pulled - report.ingested - report.unchanged)
            if report.ingested > 200:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_papers(source(), client, model, on_progress=slow)
    assert 0 < most < 300
    kept = client.count("papers").count
    assert kept >= 200
    time.sleep(0.3)
    assert pulled < 600


def test_papers_without_an_id_are_known_by_their_title(client: QdrantClient, model: Specter2) -> None:
    ingest_papers([Paper("Deep: learning!")], client, model)
    assert list(stored(client)) == [point_id(Paper("deep learning"))]


def test_titles_are_told_apart_in_every_script() -> None:
    titles = ["???", "!!!", "हिन्दी के", "हिन्दी कि", "ไทย ที่", "ไทย ทุ", "π + 1", "π + 2"]
    assert len({point_id(Paper(title)) for title in titles}) == len(titles)
    assert len({point_id(Paper(title)) for title in ("Über Café", "U\u0308ber cafe\u0301!", "ÜBER  CAFÉ")}) == 1
    assert point_id(Paper("ﬁne ½")) == point_id(Paper("fine ½"))


def test_local_mode_of_the_client_works_too(model: Specter2) -> None:
    client = QdrantClient(":memory:")
    ingest_papers(many(5), client, model)
    assert counts(ingest_papers(many(6), client, model, retries=Retries(attempts=1))).items() >= {"ingested": 1}.items()
