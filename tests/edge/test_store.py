"""The folder: who may open it, what a crash leaves, and what an upgrade from local mode needs."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient
from tests.edge.waiting import indexed

VECTORS = models.VectorParams(size=8, distance=models.Distance.EUCLID)
IN_USE = "is already accessed by another instance of Qdrant client"

ENGINE = """
import sys
from qdrant_client import models
from specter2_plugins.edge import EdgeClient
"""

WRITER = """
import numpy as np

client = EdgeClient(sys.argv[1])
if not client.collection_exists("c"):
    client.create_collection(
        "c",
        models.VectorParams(size=8, distance=models.Distance.EUCLID),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=int(sys.argv[2]), flush_interval_sec=0),
    )
print("ready", flush=True)
start = client.count("c").count
while True:
    ids = range(start, start + 20)
    client.upload_collection("c", np.full((20, 8), start, dtype=np.float32), [{"n": n} for n in ids], ids)
    start += 20
    print(start, flush=True)
"""


def writer(store: Path, indexing_threshold: int = 10_000) -> subprocess.Popen[str]:
    """A process that writes 20 points after 20 points, and says how many it was told are written."""
    command = [sys.executable, "-c", ENGINE + WRITER, str(store), str(indexing_threshold)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> int:
    """Kill it, and return how many points it had been told are written."""
    process.send_signal(signal.SIGKILL)
    acknowledged = [int(line) for line in process.communicate()[0].splitlines() if line.strip().isdigit()]
    return acknowledged[-1] if acknowledged else 0


@pytest.mark.parametrize("indexing_threshold", [0, 4], ids=["plain", "indexing"])
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, indexing_threshold: int) -> None:
    rng = np.random.default_rng(indexing_threshold)
    least = 0
    for _ in range(2):  # test_crashes.py has the rest
        process = writer(tmp_path, indexing_threshold)
        time.sleep(rng.uniform(0.05, 0.5))
        least = max(least, kill(process))
        client = EdgeClient(tmp_path)
        count = client.count("c").count
        points, _ = client.scroll("c", limit=count + 1, with_vectors=True)
        client.close()
        assert count >= least
        assert [point.id for point in points] == list(range(count))
        for point in points:
            assert point.payload == {"n": point.id}
            assert point.vector == [point.id // 20 * 20] * 8


def test_one_client_at_a_time(tmp_path: Path) -> None:
    with EdgeClient(tmp_path) as client:
        client.create_collection("c", VECTORS)
        with pytest.raises(RuntimeError, match=IN_USE):
            EdgeClient(tmp_path)
        with pytest.raises(RuntimeError, match=IN_USE):
            QdrantClient(path=str(tmp_path))
        assert client.count("c").count == 0
    EdgeClient(tmp_path).close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    process = writer(tmp_path)
    try:
        with pytest.raises(RuntimeError, match=IN_USE):
            EdgeClient(tmp_path)
    finally:
        kill(process)
    EdgeClient(tmp_path).close()


def test_a_forgotten_client_lets_go(tmp_path: Path) -> None:
    client = EdgeClient(tmp_path)
    client.create_collection("c", VECTORS)
    client.upsert("c", [models.PointStruct(id=1, vector=[1.0] * 8)])
    del client
    gc.collect()
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 1


def test_a_script_that_never_closes_ends_well(tmp_path: Path) -> None:
    script = ENGINE + (
        "client = EdgeClient(sys.argv[1])\n"
        "client.create_collection('c', models.VectorParams(size=1, distance=models.Distance.DOT))\n"
        "client.upsert('c', [models.PointStruct(id=1, vector=[1.0])])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 1


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    client = EdgeClient(tmp_path)
    client.create_collection("c", VECTORS)
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="is closed; make a new one"):
        client.count("c")
    with pytest.raises(RuntimeError, match="is closed"):
        client.get_collections()


def test_local_mode_moves_over(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    rng = np.random.default_rng(0)
    local = QdrantClient(path=str(old))
    local.create_collection("c", VECTORS, metadata={"model": "abc"})
    local.upload_collection("c", rng.random((150, 8)), payload=[{"n": n} for n in range(150)], ids=range(150))
    before, _ = local.scroll("c", limit=200, with_vectors=True)
    local.close()
    with pytest.raises(StoreError, match=r"written by qdrant-client's local mode.*migrate\(EdgeClient"):
        EdgeClient(old)
    local = QdrantClient(path=str(old))  # the lock was let go
    with EdgeClient(new) as client:
        local.migrate(client)
        after, _ = client.scroll("c", limit=200, with_vectors=True)
        assert client.get_collection("c").config.metadata == {"model": "abc"}
    local.close()
    assert [(point.id, point.payload) for point in after] == [(point.id, point.payload) for point in before]
    np.testing.assert_allclose([point.vector for point in after], [point.vector for point in before], rtol=1e-6)


def test_it_moves_on_to_another_client(edge: EdgeClient) -> None:
    edge.create_collection("c", VECTORS)
    edge.upload_collection("c", np.eye(8, dtype=np.float32), ids=range(8))
    server = QdrantClient(":memory:")
    edge.migrate(server)
    assert server.count("c").count == 8


def test_what_several_sessions_wrote_is_indexed_together(tmp_path: Path) -> None:
    """Each is cut off before it has written enough for an index of its own."""
    vector = {"a": models.VectorParams(size=64, distance=models.Distance.EUCLID)}
    points = [models.PointStruct(id=number, vector={"a": [float(number % 7)] * 64}) for number in range(1800)]
    found = []
    for session in range(3):
        client = EdgeClient(tmp_path)
        if session == 0:
            small = models.OptimizersConfigDiff(indexing_threshold=256)
            client.create_collection("c", vector, optimizers_config=small)
        client.upsert("c", points[600 * session : 600 * (session + 1)])
        found.append(indexed(client))
        client._backend.close(index=False)
    assert found == [0, 1200, 1200]


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    EdgeClient(tmp_path).close()
    (tmp_path / "edge.json").write_text(json.dumps({"format": 2, "aliases": {}}))
    with pytest.raises(StoreError, match="has format 2, this version of the package reads 1"):
        EdgeClient(tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        EdgeClient(tmp_path / "file")


def test_an_engine_that_fails_names_the_collection(tmp_path: Path) -> None:
    with EdgeClient(tmp_path) as client:
        client.create_collection("c", VECTORS)
    for file in (tmp_path / "collections" / "c" / "shard" / "segments").rglob("segment.json"):
        file.write_text("{")
    with EdgeClient(tmp_path) as client, pytest.raises(StoreError, match="collection 'c': "):
        client.count("c")
