"""A model in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from specter2_plugins import Paper, Specter2, WorkerError
from specter2_plugins.pipeline import Workers

PAPERS = [Paper(f"Graph networks {number}", "ocean papers " * (number % 7), id=str(number)) for number in range(30)]


@pytest.fixture
def model(new_model: Callable[..., Specter2]) -> Specter2:
    return new_model()


def test_workers_give_the_same_vectors_from_shared_weights(model: Specter2) -> None:
    expected = model.encode(PAPERS, task="classification")
    with Workers(model, ["cpu", "cpu"]) as workers:
        assert workers.fingerprint("query") == model.fingerprint("query")
        assert workers._pool is None  # none is started before there is something to embed
        found = workers.encode(PAPERS, task="classification", show_progress_bar=False)
        assert all(weight.is_shared() for weight in model.parameters())
        np.testing.assert_allclose(found, expected, atol=1e-5)
        one = workers.encode(PAPERS[:1], task="classification", show_progress_bar=False)
        np.testing.assert_allclose(one, expected[:1], atol=1e-5)
        assert (workers.dimensions, workers.adapter_tasks) == (model.dimensions, model.adapter_tasks)


def test_a_worker_that_dies_is_not_waited_for(model: Specter2) -> None:
    with Workers(model, ["cpu"]) as workers:
        workers.encode(PAPERS[:1], task="proximity", show_progress_bar=False)
        os.kill(workers._pool["processes"][0].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"died \(exit code -9\)"):
            workers.encode(PAPERS, task="proximity", show_progress_bar=False)


@pytest.mark.parametrize(("devices", "message"), [([], "at least one device"), (["cpu", "gpu"], "on 'gpu'")])
def test_devices_that_are_not_there(model: Specter2, devices: list[str], message: str) -> None:
    with pytest.raises(WorkerError, match=message):
        Workers(model, devices)


def test_outside_its_context_nothing_is_embedded(model: Specter2) -> None:
    with pytest.raises(WorkerError, match="no worker was started"):
        Workers(model, ["cpu"]).encode(PAPERS, task="proximity", show_progress_bar=False)


_UNTIL_KILLED = """
import time
from specter2_plugins import load_specter2
from specter2_plugins.pipeline import Workers

if __name__ == "__main__":
    with Workers(load_specter2("mini", device="cpu"), ["cpu"]) as workers:
        workers.encode(["Graphs"], task="proximity", show_progress_bar=False)
        print("ready", flush=True)
        time.sleep(600)
"""


def test_workers_ignore_an_interrupt_and_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_UNTIL_KILLED)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        (worker,) = (child for child in children if "spawn_main" in " ".join(child.cmdline()))
        worker.send_signal(signal.SIGINT)
        time.sleep(1)
        assert worker.is_running()
        parent.kill()
    assert not psutil.wait_procs([worker], timeout=120)[1]


_WORKER_DIES = """
import os, signal
from specter2_plugins import WorkerError, load_specter2
from specter2_plugins.pipeline import Workers

if __name__ == "__main__":
    try:
        with Workers(load_specter2("mini", device="cpu"), ["cpu"]) as workers:
            workers.encode(["Graphs"], task="proximity", show_progress_bar=False)
            os.kill(workers._pool["processes"][0].pid, signal.SIGKILL)
            workers.encode(["graph networks " * 300] * 400, task="proximity", show_progress_bar=False)
    except WorkerError as error:
        print(error)
"""


def test_what_a_dead_worker_left_unread_is_not_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_WORKER_DIES)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=250)
    assert (done.returncode, "died (exit code -9)" in done.stdout) == (0, True)


_SHOWS_A_BAR = """
from specter2_plugins import load_specter2
from specter2_plugins.pipeline import Workers

if __name__ == "__main__":
    with Workers(load_specter2("mini", device="cpu"), ["cpu"]) as workers:
        workers.encode(["Graphs"], task="proximity", show_progress_bar=True)
"""


def test_workers_leave_no_semaphores_behind(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SHOWS_A_BAR)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=250)
    assert (done.returncode, "leaked" in done.stderr) == (0, False), done.stderr
