"""What a collection's vectors come from: a model, several processes that run one, or a file of vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import PaperLike


class PaperEncoder(Protocol):
    """Papers -> vectors. `Specter2` is one."""

    @property
    def adapter_tasks(self) -> Sequence[str]:
        """The tasks that have an adapter."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    def fingerprint(self, task: str | None = None) -> Fingerprint:
        """Return what the vectors of a task are made with.

        Raises:
            TaskError: If there is no such task.
        """
        ...

    def encode(
        self,
        inputs: Sequence[PaperLike],
        *,
        task: str,
        show_progress_bar: bool,
        on_pass: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float32]:
        """Embed papers: [papers, dimensions].

        Args:
            inputs: The papers.
            task: The adapter they go through, or "base".
            show_progress_bar: Whether to show a bar.
            on_pass: Called with the numbers of papers and of tokens of each batch, where they are known.
        """
        ...
