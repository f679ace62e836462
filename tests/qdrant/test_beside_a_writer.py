"""Two processes search a collection while a third one ingests 20,000 papers and is killed, again and again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("qdrant_edge")

from specter2_plugins import PaperCollection
from specter2_plugins.edge import EdgeClient, sockets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sockets.AVAILABLE, reason="this system has no sockets in folders"),
]

PAPERS, KILLS, SIZE = 20_000, 8, 32

SHARED = f"""
import json, os, sys, tempfile, time
from pathlib import Path
import numpy as np
from specter2_plugins import Paper, PaperCollection
from specter2_plugins.edge import EdgeClient
from specter2_plugins.fingerprint import Fingerprint

tempfile.tempdir = sys.argv[2]

def number_of(paper):
    return int(paper.title.rpartition(" ")[2])

def vector_of(number):
    return np.random.default_rng(number).normal(size={SIZE}).astype(np.float32)

class Drawn:
    adapter_tasks = ("proximity",)
    dimensions = {SIZE}

    def fingerprint(self, task=None):
        return Fingerprint("drawn", task, "none", "none", "float32", "none", 1)

    def encode(self, inputs, *, task, show_progress_bar, on_pass=None):
        return np.stack([vector_of(number_of(paper)) for paper in inputs])
"""

WRITER = """
acknowledged = Path(sys.argv[3])

def note(report):
    part = acknowledged.with_suffix(".part")
    part.write_text(str(report.ingested + report.unchanged))
    part.replace(acknowledged)

with PaperCollection.open(sys.argv[1], Drawn()) as papers:
    print("open", flush=True)
    papers.ingest(
        (Paper(f"Paper {n}", "About it.", id=str(n), metadata={"year": 1900 + n % 100}) for n in range(PAPERS)),
        source="test",
        on_progress=note,
    )
print("done", flush=True)
"""

READER = """
stop, least, searches, ways = Path(sys.argv[3]), 0, 0, set()
draw = np.random.default_rng(os.getpid())
with EdgeClient(sys.argv[1], read_only=True) as reader:
    print("open", flush=True)
    while not stop.exists():
        count = reader.count("papers").count
        assert count >= least, f"{count} papers, and {least} before"
        least = count
        number = int(draw.integers(count)) if count else 0
        for hit in reader.query_points("papers", vector_of(number).tolist(), using="proximity", limit=5,
                                       with_vectors=True).points:
            shown = int(hit.payload["page_content"].split()[1])
            assert np.allclose(hit.vector["proximity"], vector_of(shown)), f"paper {shown} has another one's vector"
        searches += 1
        ways.add(reader.writer is None)
print(json.dumps({"count": least, "searches": searches, "ways": len(ways)}))
"""


def started(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SHARED + code.replace("PAPERS", str(PAPERS)), *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "open\n", process.communicate()[1]
    return process


def test_nothing_is_wrong_or_lost_or_left_behind(tmp_path: Path) -> None:
    store, temporary, stop = tmp_path / "papers.qdrant", tmp_path / "temporary", tmp_path / "stop"
    temporary.mkdir()
    draw = random.Random()
    writer = started(WRITER, store, temporary, tmp_path / "acknowledged")
    while not (tmp_path / "acknowledged").exists():  # the collection is there
        assert writer.poll() is None, writer.communicate()[1]
    readers = [started(READER, store, temporary, stop) for _ in range(2)]
    for _ in range(KILLS):
        try:
            writer.communicate(timeout=draw.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        acknowledged = int((tmp_path / "acknowledged").read_text())
        with EdgeClient(store, read_only=True) as reader:
            assert reader.count("papers").count >= acknowledged
        writer = started(WRITER, store, temporary, tmp_path / "acknowledged")
    out, err = writer.communicate()
    assert out == "done\n", err
    stop.touch()
    for reader in readers:
        out, err = reader.communicate()
        assert reader.returncode == 0, err
        seen = json.loads(out)
        assert seen["count"] <= PAPERS
        assert seen["searches"] > KILLS
        assert seen["ways"] == 2, "it was never read both beside a writer and at rest"
    with PaperCollection.open(store, None, read_only=True) as papers:
        assert len(papers) == PAPERS
    EdgeClient(store).close()
    assert list(temporary.iterdir()) == []
    assert not (store / sockets.NAME).exists()
    assert tempfile.gettempdir() != str(temporary)
