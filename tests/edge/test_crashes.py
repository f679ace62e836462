"""Whatever ends a process that uses a store: what was acknowledged stays, what is not ours is not touched.

One process imports the engine and forks a victim for each round. The victim opens the store, writes, indexes and
closes it; at one of these moments the crash is armed, which comes after a delay that is drawn. A mount that turns
read-only is one for files that are opened from then on; those that are open stay writable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.edge.test_store import ENGINE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs mounts, and so root on Linux"),
]

ROUNDS = 20
MOMENTS = ["open", "write", "index", "close"]
ENOUGH = 400 * 2**20

VICTIMS = """
import json, os, signal, subprocess, threading, time
from specter2_plugins import StoreError

SIZE = 8

def vector(n):
    return [float(n % 97 + k) for k in range(SIZE)]

def kill(job):
    signal.setitimer(signal.ITIMER_REAL, job["delay"])  # SIGALRM's default action ends the process as SIGKILL does

def fill_disk(job):
    room = os.statvfs(job["mount"])
    taken = room.f_bavail * room.f_frsize - job["room"]
    if taken > 0:
        with open(job["mount"] + "/filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, taken)

def kill_builders(job):
    def watch():
        while True:
            for thread in os.listdir("/proc/self/task"):
                for child in open(f"/proc/self/task/{thread}/children").read().split():
                    time.sleep(job["delay"])
                    os.kill(int(child), signal.SIGKILL)
                    open(job["told"] + ".killed", "a").write(child)
            time.sleep(0.002)
    def lenient():
        while True:
            try:
                watch()
            except OSError:  # a thread or a child that is gone already
                pass
    threading.Thread(target=lenient, daemon=True).start()

def make_read_only(job):
    store, aside = job["store"], job["told"] + ".aside"
    os.makedirs(aside, exist_ok=True)
    subprocess.run(["mount", "--bind", store, aside], check=True)
    # Not at its place, where the builder may have opened a file for writing meanwhile, which is refused as busy.
    subprocess.run(["mount", "-o", "remount,bind,ro", aside], check=True)
    subprocess.run(["mount", "--bind", aside, store], check=True)
    subprocess.run(["umount", "--lazy", aside], check=True)

ARM = {"kill": kill, "disk": fill_disk, "builder": kill_builders, "read-only": make_read_only}

def use(job):
    def at(moment):
        if moment == job["moment"]:
            ARM[job["crash"]](job)
    told = os.open(job["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    at("open")
    client = EdgeClient(job["store"])
    start = client.count("c").count
    at("write")
    for _ in range(4):
        ids = range(start, start + 50)
        client.upsert("c", [models.PointStruct(id=n, vector=vector(n), payload={"n": n}) for n in ids])
        start += 50
        os.write(told, b"%d\\n" % start)
    at("index")
    if job["moment"] != "close":  # which needs something left to build
        changed = models.OptimizersConfigDiff(indexing_threshold=1)
        try:
            client.update_collection("c", optimizers_config=changed)
        except StoreError:
            if job["crash"] != "builder":
                raise
    at("close")
    client.close()

def check(job):
    client = EdgeClient(job["store"])
    count = client.count("c").count
    points = client.scroll("c", limit=count + 1, with_vectors=True)[0]
    client.close()
    right = [p.id for p in points] == list(range(count)) and all(
        p.payload == {"n": p.id} and p.vector == vector(p.id) for p in points
    )
    os.write(os.open(job["told"], os.O_WRONLY | os.O_APPEND), b"%d %d\\n" % (count, right))

def prepare(job):
    client = EdgeClient(job["store"])
    threshold = 1 if job["crash"] == "builder" or job["moment"] == "close" else 1_000_000
    client.create_collection(
        "c",
        models.VectorParams(size=SIZE, distance=models.Distance.EUCLID),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=threshold),
    )
    client.close()

for line in sys.stdin:
    job = json.loads(line)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        said, code = "", 0
        try:
            {"prepare": prepare, "use": use, "check": check}[job["do"]](job)
        except Exception as error:
            said, code = f"{type(error).__name__}: {error}", 1
        os.write(write, said.encode()[:4000])
        os._exit(code)
    os.close(write)
    said = os.fdopen(read).read()
    status = os.waitpid(pid, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"code": code, "said": said}), flush=True)
"""

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Have a victim do something; give its exit code and what it raised."""
    command = [sys.executable, "-c", ENGINE + VICTIMS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def run(**job: Any) -> dict[str, Any]:
            requests.write(json.dumps(job) + "\n")
            requests.flush()
            return dict(json.loads(answers.readline()))

        yield run
        requests.close()


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ENOUGH}", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.decode().strip()}")
    yield folder
    unmount(folder / "store")
    subprocess.run(["umount", "--lazy", folder], check=True)


def unmount(folder: Path) -> None:
    while f" {folder} " in Path("/proc/self/mounts").read_text():
        subprocess.run(["umount", "--lazy", folder], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("crash", ["kill", "disk", "builder", "read-only"])
def test_what_was_acknowledged_is_kept(ask: Ask, mount: Path, tmp_path: Path, crash: str, moment: str) -> None:
    store, told = mount / "store", tmp_path / "told"
    job = {"store": str(store), "mount": str(mount), "told": str(told), "crash": crash, "moment": moment}
    assert ask(do="prepare", **job) == {"code": 0, "said": ""}
    foreign = store / "collections" / "of somebody else"
    (foreign / "shard").mkdir(parents=True)
    (foreign / "shard" / "keep.txt").write_text("mine")
    (store / "notes.txt").write_text("mine too")
    before = {**contents(foreign), "notes": (store / "notes.txt").read_bytes()}
    draw = np.random.default_rng(MOMENTS.index(moment))
    crashed = kept = 0
    for _ in range(ROUNDS):
        told.write_text("")
        # Near the moments at which something happens: the first milliseconds, or the megabytes that a write asks for.
        delay, room = float(draw.exponential(0.05)) + 1e-4, int(draw.uniform(0, 100 * 2**20))
        done = ask(do="use", delay=delay, room=room, **job)
        unmount(store)
        (mount / "filler").unlink(missing_ok=True)
        acknowledged = max((int(line) for line in told.read_text().splitlines()), default=kept)
        if crash == "kill":
            assert done["code"] in (0, -14), done
        elif crash == "builder":
            assert done["code"] == 0, done
        else:
            assert done["code"] in (0, 1), done
            assert done["code"] == 0 or done["said"].startswith(("StoreError: ", "OSError: ")), done
        crashed += done["code"] != 0
        checked = ask(do="check", **job)
        assert checked["code"] == 0, checked
        count, right = map(int, told.read_text().splitlines()[-1].split())
        assert right, f"{count} points, not those that were written"
        assert count >= acknowledged
        kept = count
        assert {**contents(foreign), "notes": (store / "notes.txt").read_bytes()} == before
    if crash == "builder":
        assert told.with_name("told.killed").exists(), "no builder was killed"
    elif crash == "kill" or moment != "close":  # there a failed build of the index is a warning
        assert crashed, "the crash never came"
