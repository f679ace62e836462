"""`--ray` on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytest.importorskip("qdrant_client")

import psutil

from specter2_plugins.qdrant import open_client
from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.pipeline.conftest import PAPERS
from tests.qdrant.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


SMALL_BATCHES = """
from specter2_plugins.cli import main
from specter2_plugins.pipeline.ray import run

run.BATCH = 4
main()
"""


def test_the_commands(specter2: Command, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    options = ("--model", oracle.models, "--ray", "local")
    done = specter2("embed", library, "--out", tmp_path / "vectors", *options, "--rejects", tmp_path / "rejects")
    counts = f"read {PAPERS + 2} = ingested {PAPERS} + unchanged 0 + duplicate 1 + rejected 1"
    assert done.err.splitlines()[-1].endswith(counts)
    assert json.loads((tmp_path / "rejects").read_text())["id"] == "bad"
    with Server() as server:
        done = specter2("ingest", library, "--url", server.url, *options)
    assert done.out == f"papers: {counts}\n"
    assert done.err.splitlines()[0].startswith("Ray runs on this machine alone: it listens on 127.0.0.1")


def test_a_dead_actor_leaves_the_answer_alone(oracle: Oracle, library: Path, tmp_path: Path) -> None:
    """Ray tells of it in colours, on stdout if it may."""
    with Server() as server, open_client(url=server.url) as client:
        server.faults.add("PUT /collections/papers/points", "delay", seconds=0.3)
        arguments = ("ingest", library, "--url", server.url, "--model", oracle.models, "--ray", "local", "--json")
        process = subprocess.Popen(
            [sys.executable, "-c", SMALL_BATCHES, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not (client.collection_exists("papers") and client.count("papers").count >= 8):
            time.sleep(0.02)
            assert process.poll() is None
        actors = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if child.name().startswith("ray::") and any("MapWorker" in part for part in child.cmdline())
        ]
        os.kill(actors[0].pid, signal.SIGKILL)
        server.faults.clear()
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    answer = json.loads(out)
    assert answer["ingested"] + answer["unchanged"] == PAPERS


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("ingest", "x", "--store", "store", "--ray", "local"), 2, "--ray does not go with store"),
        (("ingest", "-", "--url", "http://127.0.0.1:9", "--ray", "local"), 2, "--ray does not go with stdin"),
        (("embed", "x", "--out", "x.npz", "--ray", "local"), 2, "--ray does not go with file"),
        (("embed", "x", "--out", "x", "--ray", "127.0.0.1:9"), 1, "no Ray cluster at 127.0.0.1:9"),
        (("embed", "x", "--out", "x", "--ray", "local", "--workers", 999), 1, "999 workers need 999 CPUs"),
    ],
)
def test_what_a_cluster_cannot_do(
    specter2: Command, oracle: Oracle, args: tuple[object, ...], code: int, message: str
) -> None:
    failed = specter2(*args, "--model", oracle.models)
    assert failed.code == code
    assert message in " ".join(failed.err.replace("│", " ").split())
