"""Ingestion and embedding on a local Ray, against the same run in this process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray")
pytest.importorskip("qdrant_client")

import psutil
from qdrant_client import models

from specter2_plugins import PaperError, Specter2, StoreError, WorkerError
from specter2_plugins.qdrant import CollectionSpec, IngestReport, ingest_papers, open_client
from specter2_plugins.readers import Rejected, read_records
from specter2_plugins.scale import StoredEmbeddings, on_ray
from specter2_plugins.scale.actors import RayModel
from specter2_plugins.scale.on_ray import cluster, embed_on_ray, ingest_on_ray
from specter2_plugins.scale.pieces import Sources
from tests.conftest import Oracle
from tests.qdrant.server import Server
from tests.scale.conftest import PAPERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with cluster("local"):
        yield


def points(client: object) -> dict[str, models.Record]:
    records, _ = client.scroll("papers", limit=1000, with_vectors=True)  # type: ignore[attr-defined]
    return {str(record.id): record for record in records}


def kill_a_process(named: str, due: Callable[[], bool]) -> threading.Thread:
    def kill() -> None:
        while not due():
            time.sleep(0.02)
        found = [
            process
            for process in psutil.Process().children(recursive=True)
            if process.name().startswith("ray::") and any(named in part for part in process.cmdline())
        ]
        os.kill(found[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_two_actors_one_of_them_killed_make_the_same_points(
    ray: None, model: Specter2, oracle: Oracle, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "BATCH", 4)
    spec = CollectionSpec(sparse=("bm25",))
    rejected: list[Rejected] = []
    with Server() as alone, open_client(url=alone.url) as client:
        local = ingest_papers(read_records([library]), client, model, spec)
        expected = points(client)
    with Server() as server, open_client(url=server.url) as client:
        server.faults.add("PUT /collections/papers/points", "delay", seconds=0.3)

        def halfway() -> bool:
            return client.collection_exists("papers") and client.count("papers").count >= PAPERS // 3

        killer = kill_a_process("MapWorker", halfway)
        report = ingest_on_ray(
            Sources([library]), server.url, RayModel(str(oracle.models)), spec, workers=2, on_reject=rejected.append
        )
        server.faults.clear()
        killer.join(5)
        assert not killer.is_alive()
        found = points(client)
        again = ingest_on_ray(Sources([library]), server.url, RayModel(str(oracle.models)), spec, workers=2)
    assert found.keys() == expected.keys()
    for point, record in expected.items():
        assert found[point].payload == record.payload
        np.testing.assert_allclose(found[point].vector["proximity"], record.vector["proximity"], atol=1e-5)
        assert found[point].vector["bm25"] == record.vector["bm25"]
    assert [record.id for record in rejected] == ["bad"]
    for name in ("read", "duplicate", "rejected"):
        assert getattr(report, name) == getattr(local, name)
    # What the killed actor had written by then is there already when its work is done again.
    assert report.ingested + report.unchanged == PAPERS
    assert again.unchanged == PAPERS


def test_parts_are_written_by_actors(ray: None, model: Specter2, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "vectors")
    report = embed_on_ray(Sources([library]), folder, RayModel(str(oracle.models)), workers=2, part=16)
    assert (report.read, report.ingested, report.duplicate, report.rejected) == (PAPERS + 2, PAPERS, 1, 1)
    papers = list(StoredEmbeddings(folder).papers())
    assert sorted(int(paper.id or -1) for paper in papers) == list(range(PAPERS))
    stored = np.stack([paper.vectors["proximity"] for paper in papers])
    np.testing.assert_allclose(stored, model.encode(papers), atol=1e-5)
    again: IngestReport = embed_on_ray(Sources([library]), folder, RayModel(str(oracle.models)), part=16)
    assert (again.ingested, again.unchanged) == (0, PAPERS)


def test_the_reader_is_killed_and_no_paper_is_lost(ray: None, oracle: Oracle, tmp_path: Path) -> None:
    library = tmp_path / "papers.jsonl"
    library.write_text("".join(f'{{"id": "{n}", "title": "Graph networks {n}"}}\n' for n in range(2000)))
    folder = tmp_path / "vectors"
    killer = kill_a_process("MapBatches(read)", lambda: len(list(folder.glob("*.parquet"))) >= 10)
    report = embed_on_ray(Sources([library]), str(folder), RayModel(str(oracle.models)), part=20)
    killer.join(5)
    assert not killer.is_alive()
    assert (report.read, report.ingested) == (2000, 2000)
    assert {paper.id for paper in StoredEmbeddings(str(folder)).papers()} == {str(number) for number in range(2000)}


def test_what_fails_on_the_cluster_is_one_line(ray: None, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    model = RayModel(str(oracle.models))
    with pytest.raises(WorkerError, match="name float32 or bfloat16"):
        RayModel("mini", dtype="auto")
    with pytest.raises(PaperError, match=r"none\.jsonl"):
        embed_on_ray(Sources([tmp_path / "none.jsonl"]), str(tmp_path / "vectors"), model)
    with Server() as server:
        server.faults.add("PUT /collections/papers/points", 400)
        with pytest.raises(StoreError, match="answered 400") as error:
            ingest_on_ray(Sources([library]), server.url, model)
    assert "\n" not in str(error.value)
