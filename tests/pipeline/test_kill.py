"""Runs that are killed with SIGKILL: started again they go on, and end with the same points as an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins.qdrant import open_client
from tests.conftest import Oracle
from tests.qdrant.server import Server
from tests.stores import payload_of

PAPERS = 2000
KILLS = 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Papers of very different lengths."""
    draw = random.Random(0)
    path = tmp_path_factory.mktemp("library") / "papers.jsonl"
    with path.open("w") as file:
        for number in range(PAPERS):
            abstract = " ".join(draw.choices(("graph", "neural", "ocean", "papers", "query"), k=draw.randint(1, 300)))
            file.write(json.dumps({"id": str(number), "title": f"Paper {number}", "abstract": abstract}) + "\n")
    return path


def ingest(oracle: Oracle, library: Path, *where: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "specter2_plugins", "ingest", str(library), "--model", str(oracle.models)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.Popen([*command, *where, "--sparse", "bm25"], env=environment, stdout=-1, stderr=-1, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def points(client: QdrantClient) -> dict[str, models.Record]:
    records, _ = client.scroll("papers", limit=2 * PAPERS, with_vectors=True)
    return {str(record.id): record for record in records}


def assert_same(found: dict[str, models.Record], expected: dict[str, models.Record]) -> None:
    assert found.keys() == expected.keys()
    assert len(found) == PAPERS
    ids = sorted(expected)
    assert [payload_of(found[id]) for id in ids] == [payload_of(expected[id]) for id in ids]
    np.testing.assert_allclose(
        [found[id].vector["proximity"] for id in ids], [expected[id].vector["proximity"] for id in ids], atol=1e-5
    )
    assert [found[id].vector["bm25"] for id in ids] == [expected[id].vector["bm25"] for id in ids]


@pytest.fixture(scope="module")
def undisturbed(oracle: Oracle, library: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, models.Record]:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    finish(ingest(oracle, library, "--store", str(store)))
    with open_client(store) as client:
        return points(client)


def kill_again_and_again(start: Callable[[], subprocess.Popen[str]], due: Callable[[], Callable[[], bool]]) -> int:
    """Start and kill runs, each once it is due; how many of them were cut off rather than done."""
    cut = 0
    for _ in range(KILLS):
        process = start()
        is_due = due()
        while process.poll() is None and not is_due():
            time.sleep(0.01)
        process.kill()
        process.communicate()
        cut += process.returncode == -9
    return cut


def test_on_a_server(oracle: Oracle, library: Path, undisturbed: dict[str, models.Record]) -> None:
    draw = random.Random(1)
    with Server() as server:
        # After some requests: in the middle of making the collection, of a lookup, of a write.
        def due() -> Callable[[], bool]:
            last = len(server.requests) + draw.randint(1, 18)
            return lambda: len(server.requests) >= last

        cut = kill_again_and_again(lambda: ingest(oracle, library, "--url", server.url), due)
        assert cut > KILLS // 2
        out = finish(ingest(oracle, library, "--url", server.url))
        assert out.startswith(f"papers: read {PAPERS} = ")
        with open_client(url=server.url) as client:
            assert_same(points(client), undisturbed)
        assert f"unchanged {PAPERS}" in finish(ingest(oracle, library, "--url", server.url))


def test_on_an_embedded_store(
    oracle: Oracle, library: Path, undisturbed: dict[str, models.Record], tmp_path: Path
) -> None:
    draw = random.Random(2)
    store = tmp_path / "store"

    def due() -> Callable[[], bool]:
        opened = store / "edge.json"
        last: list[float] = []

        def is_due() -> bool:
            if not last and opened.exists():
                last.append(time.monotonic() + draw.uniform(0.0, 7.0))
            return bool(last) and time.monotonic() >= last[0]

        return is_due

    cut = kill_again_and_again(lambda: ingest(oracle, library, "--store", str(store)), due)
    assert cut > KILLS // 2
    finish(ingest(oracle, library, "--store", str(store)))
    with open_client(store) as client:
        assert_same(points(client), undisturbed)
    assert f"unchanged {PAPERS}" in finish(ingest(oracle, library, "--store", str(store)))
