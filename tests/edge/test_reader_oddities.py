"""Readers where something is odd: the store gone or another one, no room, another user, a writer that dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient, locking, sockets
from specter2_plugins.qdrant import open_client
from tests.edge.owners import VECTORS, Owner, copies

pytestmark = pytest.mark.skipif(not sockets.AVAILABLE, reason="this system has no sockets in folders")


def test_a_store_that_is_deleted_under_a_reader_is_missed_in_a_line(store: Path, owner: Callable[[], Owner]) -> None:
    with EdgeClient(store, read_only=True) as reader:
        writer = owner()
        assert reader.count("c").count == 1
        shutil.rmtree(store)
        writer.kill()
        for call in (lambda: reader.count("c"), lambda: reader.writer, lambda: reader.bytes_on_disk("c")):
            with pytest.raises(StoreError, match=f"^there is no store in {store}$"):
                call()
        store.mkdir()
        (store / "mine.txt").write_text("mine")
        with pytest.raises(StoreError, match=r"no embedded store: it has no edge\.json and holds 'mine.txt'"):
            reader.count("c")


@pytest.mark.parametrize("locked", [True, False], ids=["with its lock", "without a lock"])
def test_a_store_that_is_replaced_under_a_reader_is_read_from_then_on(store: Path, locked: bool) -> None:
    other = store.with_name("other")
    with EdgeClient(other) as client:
        client.create_collection("c", VECTORS)
    if not locked:
        for folder in (store, other):
            (folder / locking.NAME).unlink()
    with EdgeClient(store, read_only=True) as reader:
        assert reader.count("c").count == 1
        store.rename(store.with_name("aside"))
        other.rename(store)
        assert reader.count("c").count == 0
        store.rename(other)
        store.with_name("aside").rename(store)
        assert reader.count("c").count == 1


def test_a_copy_without_a_place_is_said_with_the_way_out(
    store: Path, monkeypatch: pytest.MonkeyPatch, owner: Callable[[], Owner]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(store.parent / "none"))
    with pytest.raises(StoreError, match=r"which cannot be made: .*No such file.*; name another folder .* in TMPDIR$"):
        EdgeClient(store, read_only=True)
    owner()
    with EdgeClient(store, read_only=True) as reader:  # who writes answers, and nothing is copied
        assert reader.count("c").count == 1


def test_a_full_disk_of_temporary_files_is_no_full_disk_of_the_store(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(store)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(StoreError, match=r"copy among the temporary files, .* MiB are free.* in TMPDIR$"):
        open_client(store=store, read_only=True)
    assert copies(store) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
def test_a_lock_that_another_user_may_not_read_is_no_free_one(store: Path, owner: Callable[[], Owner]) -> None:
    owner()
    (store / locking.NAME).chmod(0o600)
    for parent in store.parents:
        parent.chmod(parent.stat().st_mode | 0o011)
    script = (
        "import os, sys\n"
        "from specter2_plugins.edge import EdgeClient\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: EdgeClient(sys.argv[1], read_only=True)\n"
        "except PermissionError as error: print(error.filename)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(store)], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == str(store / locking.NAME), ran.stderr


def test_a_socket_at_the_end_of_a_long_path_is_reached(store: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    shutil.copytree(store, deep / "store")
    with EdgeClient(deep / "store") as writer, EdgeClient(deep / "store", read_only=True) as reader:
        assert reader.writer is not None
        assert reader.count("c") == writer.count("c")


def test_a_call_that_its_writer_dies_in_is_answered_at_rest(store: Path, owner: Callable[[], Owner]) -> None:
    writer = owner()
    with EdgeClient(store, read_only=True) as reader:
        assert reader.writer is not None
        writer.process.send_signal(signal.SIGSTOP)  # it takes the question, and never answers
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(reader.count, "c")
            writer.kill()
            assert asked.result().count == 1
