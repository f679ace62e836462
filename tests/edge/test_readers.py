"""Processes that read a store beside one that writes it, at rest, and on a medium that cannot be written."""

from __future__ import annotations

import asyncio
import datetime
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from qdrant_client import models

from specter2_plugins import StoreError
from specter2_plugins.edge import AsyncEdgeClient, EdgeClient, UnsupportedError, locking, sockets, wire
from tests.edge.conftest import Pair
from tests.edge.owners import VECTORS, Owner, copies
from tests.edge.pairs import COLLECTION, assert_same, outcome
from tests.edge.test_answers import Call, calls

pytestmark = pytest.mark.skipif(not sockets.AVAILABLE, reason="this system has no sockets in folders")


def content(store: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(file.relative_to(store)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in store.rglob("*")
        if file.is_file()
    }


def test_a_store_at_rest_is_read_and_nothing_in_it_changes(store: Path) -> None:
    before = content(store)
    with EdgeClient(store, read_only=True) as reader:
        assert reader.query_points("c", [1, 0, 0, 0]).points[0].payload == {"n": 1}
        assert reader.writer is None
        assert len(copies(store)) == 1
    assert content(store) == before
    assert copies(store) == []


@pytest.mark.parametrize("end", [Owner.end, Owner.kill], ids=["closed", "killed"])
def test_a_reader_sees_what_a_writer_has_acknowledged_and_outlives_it(
    store: Path, owner: Callable[[], Owner], end: Callable[[Owner], None]
) -> None:
    with EdgeClient(store, read_only=True) as reader:
        for round in (1, 2):
            writer = owner()
            for number in range(10 * round, 10 * round + 3):
                writer.write(number)
                assert reader.retrieve("c", [number])[0].payload == {"n": number}
            assert reader.writer == f"process {writer.process.pid} (python)"
            assert copies(store) == []
            end(writer)
            assert reader.count("c").count == 1 + 3 * round
            assert reader.writer is None


def test_readers_share_a_store_with_one_another(store: Path) -> None:
    with EdgeClient(store, read_only=True) as one, EdgeClient(store, read_only=True) as other:
        assert one.count("c") == other.count("c")
        with EdgeClient(store):
            assert one.count("c") == other.count("c")


def test_a_second_writer_is_told_which_process_has_the_store(store: Path, owner: Callable[[], Owner]) -> None:
    writer = owner()
    with pytest.raises(RuntimeError, match=rf"already accessed .* process {writer.process.pid} \(python\)"):
        EdgeClient(store)
    writer.kill()
    EdgeClient(store).close()


def test_what_a_lock_says_holds_no_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/specter2", "ingest", "https://name:secret@example.org/papers.bib"])
    lock = locking.StoreLock(tmp_path)
    assert locking.holder(tmp_path) == f"process {os.getpid()} (specter2 ingest)"
    lock.close()
    assert locking.holder(tmp_path) == "a process that does not say which"


@pytest.mark.parametrize(
    ("program", "name"), [("/lib/specter2_plugins/__main__.py", "specter2_plugins"), ("-c", "python"), ("", "python")]
)
def test_a_lock_names_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, name: str) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    lock = locking.StoreLock(tmp_path)
    assert locking.holder(tmp_path) == f"process {os.getpid()} ({name})"
    lock.close()


def test_what_writes_is_refused_by_name_with_and_without_a_writer(store: Path) -> None:
    point = models.PointStruct(id=2, vector=[0, 0, 0, 0])

    def refused(reader: EdgeClient) -> None:
        for call in (
            lambda: reader.upsert("c", [point]),
            lambda: reader.delete("c", [1]),
            lambda: reader.upload_points("c", [point]),
            lambda: reader.create_collection("d", VECTORS),
            lambda: reader.delete_collection("c"),
            lambda: reader.create_payload_index("c", "n", "integer"),
            lambda: reader.optimize("c"),
        ):
            with pytest.raises(StoreError, match="read_only=True"):
                call()
        with pytest.raises(UnsupportedError, match="snapshots"):
            reader.create_snapshot("c")

    with EdgeClient(store, read_only=True) as reader:
        refused(reader)
        with EdgeClient(store):
            refused(reader)
            assert reader.count("c").count == 1


def test_errors_are_the_same_with_and_without_a_writer(store: Path) -> None:
    def errors(client: EdgeClient) -> list[tuple[type[Exception], str]]:
        found = []
        for call in (
            lambda: client.count("none"),
            lambda: client.query_points("c", [1.0]),
            lambda: client.query_points("c", [float("nan"), 0, 0, 0]),
            lambda: client.query_points("c", [1, 0, 0, 0], limit=0),
            lambda: client.query_points("c", [1, 0, 0, 0], shard_key_selector="a"),
        ):
            with pytest.raises(Exception) as caught:  # noqa: PT011
                call()
            found.append((caught.type, str(caught.value)))
        return found

    with EdgeClient(store, read_only=True) as reader:
        alone = errors(reader)
        with EdgeClient(store) as writer:
            assert errors(reader) == errors(writer) == alone


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such permissions")
def test_a_folder_that_cannot_be_written_is_read(store: Path) -> None:
    for folder, _, names in os.walk(store):
        for name in names:
            Path(folder, name).chmod(0o444)
        Path(folder).chmod(0o555)
    (store.parent / "temporary").chmod(0o777)
    for parent in (store.parent, *store.parent.parents):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    script = (
        "import os, sys, tempfile\n"
        "from specter2_plugins.edge import EdgeClient\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "tempfile.tempdir = sys.argv[2]\n"
        "with EdgeClient(sys.argv[1], read_only=True) as reader: print(reader.count('c').count)\n"
        "try: EdgeClient(sys.argv[1])\n"
        "except OSError: print('read-only')\n"
    )
    command = [sys.executable, "-c", script, str(store), str(store.parent / "temporary")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    for folder, _, _ in os.walk(store):
        Path(folder).chmod(0o755)
    assert ran.stdout.split() == ["1", "read-only"], ran.stderr
    assert copies(store) == []


def test_a_folder_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="no embedded store"):
        EdgeClient(tmp_path, read_only=True)
    (tmp_path / "mine.txt").unlink()
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(StoreError, match="there is no store"):
            EdgeClient(folder, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_the_copy_of_a_killed_reader_is_cleared_away_by_the_next_and_a_living_ones_is_not(store: Path) -> None:
    code = (
        "import os, sys, tempfile\n"
        "from specter2_plugins.edge import EdgeClient\n"
        "tempfile.tempdir = sys.argv[2]\n"
        "reader = EdgeClient(sys.argv[1], read_only=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(store), str(store.parent / "temporary")], check=False)
    (left,) = copies(store)
    with EdgeClient(store, read_only=True) as living, EdgeClient(store, read_only=True) as other:
        assert left not in copies(store)
        assert len(copies(store)) == 2
        assert living.count("c") == other.count("c")


def test_an_index_that_is_built_meanwhile_takes_nothing_from_a_reader(store: Path) -> None:
    with EdgeClient(store, read_only=True) as reader, EdgeClient(store) as writer:
        writer.update_collection("c", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1))
        vectors = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
        writer.upload_collection("c", vectors, ids=range(10, 2010))
        closing = threading.Thread(target=writer.close)
        closing.start()
        counts = {reader.count("c").count}
        while closing.is_alive():
            counts.add(reader.count("c").count)
        assert counts == {2001}


def test_threads_share_a_reader(store: Path) -> None:
    with EdgeClient(store, read_only=True) as reader, EdgeClient(store):
        counts: list[int] = []
        threads = [threading.Thread(target=lambda: counts.append(reader.count("c").count)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [1] * 8


def test_the_async_client_reads_beside_a_writer(store: Path) -> None:
    async def count() -> int:
        async with AsyncEdgeClient(store, read_only=True) as reader:
            return (await reader.count("c")).count

    assert asyncio.run(count()) == 1
    with EdgeClient(store):
        assert asyncio.run(count()) == 1


@pytest.fixture(scope="module")
def beside(pair: Pair) -> Iterator[EdgeClient]:
    """A reader of the collection that the drawn calls are about."""
    with EdgeClient(pair.edge.init_options["path"], read_only=True) as reader:
        yield reader


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(called=calls())
def test_a_drawn_call_is_answered_as_its_owner_answers_it(pair: Pair, beside: EdgeClient, called: Call) -> None:
    method, arguments = called
    ours, theirs = (
        outcome(lambda client: getattr(client, method)(COLLECTION, **arguments), client)
        for client in (beside, pair.edge)
    )
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 1.5, "text", [], [1, [2, "list"]], {}, {"a": {"b": [1]}}, {1: 2}, (1, [2], None)),
        *(uuid.UUID(int=7), datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)),
        models.PointStruct(id=1, vector={"a": [1.0], "b": models.SparseVector(indices=[1], values=[2.0])}),
        models.Filter(
            must=[models.FieldCondition(key="a", range=models.Range(gte=1)), models.HasIdCondition(has_id=[1])],
            min_should=models.MinShould(conditions=[models.IsNullCondition(is_null={"key": "b"})], min_count=1),
        ),
        models.FusionQuery(fusion=models.Fusion.RRF),
        models.UpdateStatus.COMPLETED,
    ],
)
def test_a_value_goes_from_process_to_process_as_it_is(value: Any) -> None:
    there = wire.loads(wire.dumps(value))
    assert there == value
    assert type(there) is type(value)


def test_arrays_go_from_process_to_process_and_what_is_no_argument_is_refused() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    there = wire.loads(wire.dumps({"array": array, "number": np.float32(1.5), "ids": range(3)}))
    assert there["array"].tolist() == array.tolist()
    assert (there["array"].dtype, there["number"], there["ids"]) == (np.float32, 1.5, [0, 1, 2])
    with pytest.raises(StoreError, match="object"):
        wire.dumps([object()])
