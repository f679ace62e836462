"""A store, and another process that writes it when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qdrant_client import models

from specter2_plugins.edge import EdgeClient

VECTORS = models.VectorParams(size=4, distance=models.Distance.EUCLID)

OWNER = """
import sys
from qdrant_client import models
from specter2_plugins.edge import EdgeClient

client = EdgeClient(sys.argv[1])
for line in sys.stdin:
    number = int(line)
    client.upsert("c", [models.PointStruct(id=number, vector=[number, 0, 0, 0], payload={"n": number})])
    print("written", flush=True)
client.close()
"""


class Owner:
    """Another process that writes a point when it is told to."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-c", OWNER, str(store)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write(self, number: int) -> None:
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "written\n"

    def end(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def copies(store: Path) -> list[str]:
    return sorted(entry.name for entry in (store.parent / "temporary").iterdir())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with EdgeClient(tmp_path / "store") as client:
        client.create_collection("c", VECTORS)
        client.upsert("c", [models.PointStruct(id=1, vector=[1, 0, 0, 0], payload={"n": 1})])
    return tmp_path / "store"


@pytest.fixture
def owner(store: Path) -> Iterator[Callable[[], Owner]]:
    begun: list[Owner] = []

    def begin() -> Owner:
        begun.append(Owner(store))
        begun[-1].write(1)
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.kill()
