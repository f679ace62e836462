"""A model in several processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest

from specter2_plugins import Paper, Specter2, WorkerError
from specter2_plugins.scale import Workers

PAPERS = [Paper(f"Graph networks {number}", "ocean papers " * (number % 7), id=str(number)) for number in range(30)]


@pytest.fixture
def model(new_model: Callable[..., Specter2]) -> Specter2:
    return new_model()


def test_workers_give_the_same_vectors_from_shared_weights(model: Specter2) -> None:
    expected = model.encode(PAPERS, task="classification")
    with Workers(model, ["cpu", "cpu"]) as workers:
        assert all(weight.is_shared() for weight in model.parameters())
        found = workers.encode(PAPERS, task="classification", show_progress_bar=False)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        one = workers.encode(PAPERS[:1], task="classification", show_progress_bar=False)
        np.testing.assert_allclose(one, expected[:1], atol=1e-5)
        assert (workers.dimensions, workers.adapter_tasks) == (model.dimensions, model.adapter_tasks)
        assert workers.fingerprint("query") == model.fingerprint("query")


def test_a_worker_that_dies_is_not_waited_for(model: Specter2) -> None:
    with Workers(model, ["cpu"]) as workers:
        os.kill(workers._pool["processes"][0].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"died \(exit code -9\)"):
            workers.encode(PAPERS, task="proximity", show_progress_bar=False)
