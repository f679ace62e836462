"""Ingestion and embedding on a local Ray, against the same run in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.pipeline.ray import run as on_ray
from specter2_plugins.pipeline.ray.actors import RayModel
from specter2_plugins.pipeline.ray.pieces import SourceFiles
from specter2_plugins.pipeline.ray.run import cluster, embed_on_ray, ingest_on_ray
from specter2_plugins.qdrant import CollectionSpec, IngestReport, open_client
from specter2_plugins.readers import Rejected, read_records
from specter2_plugins.vectors import StoredEmbeddings
from tests.conftest import Oracle
from tests.pipeline.conftest import PAPERS
from tests.qdrant.server import Server
from tests.stores import payload_of

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
    with library.open("a") as file:
        file.write('{"id": "3", "title": "Another paper of the same id"}\n')
    with Server() as alone, open_client(url=alone.url) as client:
        local = ingest_papers(read_records([library]), client, model, spec)
        expected = points(client)
    with Server() as server, open_client(url=server.url) as client:
        server.faults.add("PUT /collections/papers/points", "delay", seconds=0.3)

        def halfway() -> bool:
            return client.collection_exists("papers") and client.count("papers").count >= PAPERS // 3

        killer = kill_a_process("MapWorker", halfway)
        report = ingest_on_ray(
            SourceFiles([library]), server.url, RayModel(str(oracle.models)), spec, workers=2, on_reject=rejected.append
        )
        server.faults.clear()
        killer.join(5)
        assert not killer.is_alive()
        found = points(client)
        again = ingest_on_ray(SourceFiles([library]), server.url, RayModel(str(oracle.models)), spec, workers=2)
    assert found.keys() == expected.keys()
    for point, record in expected.items():
        assert payload_of(found[point]) == payload_of(record)
        np.testing.assert_allclose(found[point].vector["proximity"], record.vector["proximity"], atol=1e-5)
        assert found[point].vector["bm25"] == record.vector["bm25"]
    assert [record.id for record in rejected] == ["bad"]
    for name in ("read", "duplicate", "rejected", "conflict", "conflicts"):
        assert getattr(report, name) == getattr(local, name)
    assert report.conflict == 1
    # What the killed actor had written by then is there already when its work is done again.
    assert report.ingested + report.unchanged == PAPERS + 1
    assert again.unchanged == PAPERS + 1


def test_parts_are_written_by_actors(ray: None, model: Specter2, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "vectors")
    report = embed_on_ray(SourceFiles([library]), folder, RayModel(str(oracle.models)), workers=2, part=16)
    assert (report.read, report.ingested, report.duplicate, report.rejected) == (PAPERS + 2, PAPERS, 1, 1)
    assert report.total == PAPERS + 2
    papers = list(StoredEmbeddings(folder).papers())
    assert sorted(int(paper.id or -1) for paper in papers) == list(range(PAPERS))
    stored = np.stack([paper.vectors["proximity"] for paper in papers])
    np.testing.assert_allclose(stored, model.encode(papers), atol=1e-5)
    again: IngestReport = embed_on_ray(SourceFiles([library]), folder, RayModel(str(oracle.models)), part=16)
    assert (again.ingested, again.unchanged) == (0, PAPERS)


def test_the_reader_is_killed_and_no_paper_is_lost(ray: None, oracle: Oracle, tmp_path: Path) -> None:
    library = tmp_path / "papers.jsonl"
    library.write_text("".join(f'{{"id": "{n}", "title": "Graph networks {n}"}}\n' for n in range(2000)))
    folder = tmp_path / "vectors"
    killer = kill_a_process("MapBatches(read)", lambda: len(list(folder.glob("*.parquet"))) >= 10)
    report = embed_on_ray(SourceFiles([library]), str(folder), RayModel(str(oracle.models)), part=20)
    killer.join(5)
    assert not killer.is_alive()
    assert (report.read, report.ingested) == (2000, 2000)
    assert {paper.id for paper in StoredEmbeddings(str(folder)).papers()} == {str(number) for number in range(2000)}


def test_what_fails_on_the_cluster_is_one_line(ray: None, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    model = RayModel(str(oracle.models))
    with pytest.raises(WorkerError, match="name float32 or bfloat16"):
        RayModel("mini", dtype="auto")
    with pytest.raises(PaperError, match=r"none\.jsonl"):
        embed_on_ray(SourceFiles([tmp_path / "none.jsonl"]), str(tmp_path / "vectors"), model)
    with Server() as server:
        server.faults.add("PUT /collections/papers/points", 400)
        with pytest.raises(StoreError, match="answered 400") as error:
            ingest_on_ray(SourceFiles([library]), server.url, model)
    assert "\n" not in str(error.value)


LISTENERS = """
import psutil
from specter2_plugins.pipeline.ray.run import cluster

with cluster("local"):
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                print(connection.laddr.ip.removeprefix("::ffff:"))
"""


def test_a_local_ray_listens_on_loopback_alone() -> None:
    """In a process of its own: Ray decides where to listen when it is imported, as it was by this one."""
    ran = subprocess.run([sys.executable, "-c", LISTENERS], capture_output=True, text=True, timeout=300, check=True)
    listeners = ran.stdout.split()
    assert len(listeners) > 4
    assert set(listeners) == {"127.0.0.1"}
