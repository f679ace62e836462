"""One model in several processes, on several GPUs or on the cores of one CPU."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from specter2_plugins.errors import WorkerError, one_line
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import PaperLike
from specter2_plugins.sentence_transformers.specter2 import Specter2


class Workers:
    """A model that embeds in several processes; a `PaperEncoder`, within its context.

    They start with the first papers, so that a run with nothing left to embed starts none.

    The weights of workers on the CPU lie in memory that they share, so a worker costs its activations alone. The
    threads of this process are shared out among them. The pool is Sentence Transformers' own.

    Example:
        >>> from specter2_plugins import load_specter2, read_papers
        >>> from specter2_plugins.pipeline import Workers, embed_papers
        >>> with Workers(load_specter2("mini"), ["cpu", "cpu"]) as model:             # or ["cuda:0", "cuda:1"]
        ...     embed_papers(read_papers("papers.jsonl"), "embeddings", model).embedded
        8

    Args:
        model: The model. It stays on the CPU.
        devices: The device of each worker.

    Raises:
        WorkerError: If there is no such device, or none is named.
    """

    def __init__(self, model: Specter2, devices: Sequence[str]) -> None:
        self._model = model
        self._devices = list(devices)
        self._pool: Any = None
        self._open = False
        if not self._devices:
            raise WorkerError("name at least one device")
        for device in dict.fromkeys(self._devices):
            _check(device)

    def __enter__(self) -> Workers:
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False
        self._stop()

    def _start(self) -> None:
        try:
            with _no_interrupts():
                self._pool = self._model.start_multi_process_pool(self._devices)
        except RuntimeError as error:
            if "shared memory" not in str(error):
                raise
            raise WorkerError(
                f"the workers cannot share the model's weights: {one_line(error)}; in a container, give it more "
                "(docker run --shm-size)"
            ) from error
        except KeyboardInterrupt:
            self._stop()
            raise

    def _stop(self) -> None:
        if self._pool is not None:
            self._model.stop_multi_process_pool(self._pool)
            self._pool = None

    @property
    def adapter_tasks(self) -> list[str]:
        """The tasks that have an adapter."""
        return self._model.adapter_tasks

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._model.dimensions

    def fingerprint(self, task: str | None = None) -> Fingerprint:
        """Return what the vectors of a task are made with.

        Raises:
            TaskError: If the model does not know the task.
        """
        return self._model.fingerprint(task)

    def encode(
        self,
        inputs: Sequence[PaperLike],
        *,
        task: str,
        show_progress_bar: bool,
        on_pass: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float32]:
        """Embed papers, an equal share in each worker: [papers, dimensions].

        Args:
            inputs: The papers; enough at a time that each worker can sort its share into batches of like length.
            task: The adapter they go through, or "base".
            show_progress_bar: Whether to show a bar.
            on_pass: Not called: workers do not tell how far they are.

        Raises:
            WorkerError: If a worker has died, or none was started.
        """
        if not self._open:
            raise WorkerError("no worker was started: embed within `with Workers(...) as model:`")
        if self._pool is None:
            self._start()
        share = max(1, math.ceil(len(inputs) / len(self._devices)))
        vectors: NDArray[np.float32] = self._model.encode(
            inputs, task=task, show_progress_bar=show_progress_bar, pool=self._pool, chunk_size=share
        )
        return vectors


def _check(device: str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise WorkerError(f"no worker can run on {device!r}: {one_line(error)}") from None


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C leaves alone: this process stops them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Its start would lift the mask.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
