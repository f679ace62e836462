"""A client in a fork of its process, where the engine's threads do not live on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.test_store import ENGINE

FORKED = """
import os

def forked(call):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = str(call())
        except RuntimeError as error:
            answer = str(error)
        os.write(writing, answer.encode())
        sys.exit()  # all that a process does at its end
    os.close(writing)
    with os.fdopen(reading) as pipe:
        print(pipe.read().strip() or "None")
    assert os.waitpid(child, 0)[1] == 0

client = EdgeClient(sys.argv[1])
client.create_collection("c", models.VectorParams(size=2, distance=models.Distance.EUCLID))
point = models.PointStruct(id=1, vector=[1, 2])
client.upsert("c", [point])
client.count("c")
calls = (
    lambda: client.count("c"),
    lambda: client.query_points("c", [1, 2]),
    lambda: client.upsert("c", [point.model_copy(update={"id": 2})]),
    lambda: client.get_collections(),
    lambda: client.create_collection("d", models.VectorParams(size=2, distance=models.Distance.EUCLID)),
    lambda: client.close(),
)
for call in calls:
    forked(call)
print(client.count("c").count)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_client_says_at_once_that_it_is_another_process_s(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", ENGINE + FORKED, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    *answers, closed, count = process.stdout.splitlines()
    assert len(answers) == 5, process.stderr
    for answer in answers:
        assert f"the client of {tmp_path} was opened by process" in answer
    assert (closed, count) == ("None", "1")
