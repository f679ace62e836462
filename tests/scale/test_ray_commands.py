"""`--ray` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytest.importorskip("qdrant_client")

from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.qdrant.server import Server
from tests.scale.conftest import PAPERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_commands(specter2: Command, oracle: Oracle, library: Path, tmp_path: Path) -> None:
    options = ("--model", oracle.models, "--ray", "local")
    done = specter2("embed", library, "--out", tmp_path / "vectors", *options, "--rejects", tmp_path / "rejects")
    counts = f"read {PAPERS + 2} = ingested {PAPERS} + unchanged 0 + duplicate 1 + rejected 1"
    assert done.err.splitlines()[-1].endswith(counts)
    assert json.loads((tmp_path / "rejects").read_text())["id"] == "bad"
    with Server() as server:
        done = specter2("ingest", library, "--url", server.url, *options)
    assert done.out == f"papers: {counts}\n"


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
