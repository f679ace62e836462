"""A server that fails in every way: papers arrive once, or the error says what happened and nothing is lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from specter2_plugins import Specter2, StoreError
from specter2_plugins.edge import collection
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.pipeline.ingestion import ingest as pipeline
from specter2_plugins.qdrant import IngestReport, Retries, open_client
from tests.pipeline.test_ingest import many, stored
from tests.qdrant.server import Answer, Server
from tests.stores import payload_of

FAST = Retries(attempts=6, first_wait=0.01, longest_wait=0.05)
WRITES = "PUT /collections/papers/points"

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)


@pytest.mark.parametrize("what", ["drop_before", "drop_after", "cut", "garbage", 429, 500, 502, 503])
def test_what_passes_is_tried_again(server: Server, model: Specter2, what: str | int) -> None:
    server.faults.add(".* /collections/papers/points.*", what, probability=0.4, seed=7)  # type: ignore[arg-type]
    with open_client(**server.address) as client:
        # So many tries that chance alone fails none of the calls for good.
        report = ingest_papers(many(40), client, model, retries=replace(FAST, attempts=20))
        server.faults.clear()
        undisturbed = QdrantClient(":memory:")
        ingest_papers(many(40), undisturbed, model)
        assert {point: payload_of(record) for point, record in stored(client).items()} == {
            point: payload_of(record) for point, record in stored(undisturbed).items()
        }
    assert report.ingested == 40
    assert len(server.calls(WRITES)) > 5


def test_a_slow_server_is_asked_again(server: Server, model: Specter2) -> None:
    server.faults.add(WRITES, "delay", times=1, seconds=1.5)
    with open_client(**server.address, timeout=1) as client:
        assert ingest_papers(many(10), client, model, retries=FAST).ingested == 10
        assert client.count("papers").count == 10


def test_a_server_says_how_long_to_wait(server: Server, model: Specter2, caplog: pytest.LogCaptureFixture) -> None:
    server.faults.add(WRITES, 429, times=1, retry_after=2)
    server.faults.add(WRITES, 503, times=1)
    with open_client(**server.address) as client:
        started = time.monotonic()
        ingest_papers(many(2), client, model, retries=Retries(attempts=3, first_wait=0.01))
    assert time.monotonic() - started > 1.9
    (warning,) = (record.getMessage() for record in caplog.records if "trying again" in record.getMessage())
    assert warning.startswith("Qdrant is asked too much")
    assert warning.endswith("trying again in 2 s")


def test_a_date_to_come_back_at_is_just_too_busy(model: Specter2) -> None:
    with Server() as server, open_client(url=server.url) as client:
        date = "Wed, 21 Oct 2026 07:28:00 GMT"
        busy = server.faults.add(WRITES, 429, times=1, retry_after=date)
        assert ingest_papers(many(2), client, model, retries=FAST).ingested == 2
        assert busy.fired == 1
        server.faults.add("GET .*", 429, retry_after=date)
        with (
            pytest.raises(StoreError, match=f"{server.url} is asked too much"),
            open_client(url=server.url) as client,
        ):
            client.get_collections()


def test_when_it_does_not_pass_what_was_acknowledged_stays(server: Server, model: Specter2) -> None:
    fault = server.faults.add(WRITES, 503, skip=2)
    reports = []
    with (
        pytest.raises(StoreError, match=r"the Qdrant server http\S+.*: as the test asked for"),
        open_client(**server.address) as client,
    ):
        ingest_papers(many(80), client, model, streams=1, retries=FAST, on_progress=reports.append)
    # One stream: the first failed write was tried as often as allowed, those behind it once at most.
    assert FAST.attempts <= fault.fired <= FAST.attempts + 2
    server.faults.clear()
    with open_client(**server.address) as client:
        assert client.count("papers").count == reports[-1].ingested == 16
        assert ingest_papers(many(80), client, model).ingested == 64
        assert client.count("papers").count == 80


def test_what_does_not_pass_is_not_tried_again(server: Server, model: Specter2) -> None:
    fault = server.faults.add(WRITES, 400)
    with (
        pytest.raises(StoreError, match=r"answered (400 Bad Request|INVALID_ARGUMENT): as"),
        open_client(**server.address) as client,
    ):
        ingest_papers(many(3), client, model, retries=FAST)
    assert fault.fired == 1


def test_a_collection_that_vanishes(server: Server, model: Specter2) -> None:
    server.faults.add(WRITES, 404)
    with (
        pytest.raises(StoreError, match=r"answered (404 Not Found|NOT_FOUND): as"),
        open_client(**server.address) as client,
    ):
        ingest_papers(many(3), client, model, retries=FAST)


def test_the_key_is_in_no_message(server: Server, model: Specter2) -> None:
    for status in (401, 403):
        server.faults.clear()
        server.faults.add(".*", status)
        with (
            pytest.raises(StoreError, match=r"refuses the API key; give the right one in QDRANT_API_KEY") as refused,
            open_client(**server.address, api_key="very-secret") as client,
        ):
            ingest_papers(many(3), client, model, retries=FAST)
        assert "very-secret" not in str(refused.value)


def test_another_server_is_one_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    alien = Answer(200, b'{"result": {"exists": "who knows", "collections": "none"}}')
    monkeypatch.setattr(server.backend, "answer", lambda request: alien)
    with (
        pytest.raises(StoreError, match=r"does not answer as Qdrant does|answered UNKNOWN: ") as refused,
        open_client(**server.address) as client,
    ):
        client.collection_exists("papers")
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_one_line(tmp_path: Path, model: Specter2, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def follow(report: IngestReport) -> None:
        if report.ingested:
            monkeypatch.setattr(collection, "_ROOM", 2**62)
            written[:] = [report.ingested]

    with (
        pytest.raises(StoreError, match=r"^the disk of the store .* is full; make room and run the same again$"),
        open_client(tmp_path / "store") as client,
    ):
        ingest_papers(many(200), client, model, on_progress=follow)
    monkeypatch.undo()
    with open_client(tmp_path / "store") as client:
        assert 0 < client.count("papers").count == written[0] < 200
        assert ingest_papers(many(200), client, model).unchanged == written[0]
