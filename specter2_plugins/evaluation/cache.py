"""Embeddings on disk, found again by what they were made of."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError


class EmbeddingCache:
    """A folder of embeddings, one file for a key.

    Args:
        folder: Where the files lie; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """What was stored under a key, or None if that is nothing, or not a whole file of that shape."""
        try:
            vectors = np.load(self._folder / f"{key}.npy")
        except (OSError, ValueError, EOFError):
            return None
        return vectors if vectors.shape == shape and vectors.dtype == np.float32 else None

    def store(self, key: str, vectors: NDArray[np.float32]) -> None:
        """Keep embeddings; the file appears under its name once it is whole.

        Raises:
            EvaluationError: If it cannot be written.
        """
        unfinished = self._folder / f"{key}.{os.getpid()}.unfinished"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.save(file, vectors)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / f"{key}.npy")
        except OSError as error:
            raise EvaluationError(f"embeddings cannot be kept in {self._folder}: {error}") from None
        finally:
            with suppress(OSError):
                unfinished.unlink()
