"""Embeddings on disk, found again by their texts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.stages import passed

_BLOCK = 8192
"""Texts to a file, so that a run that is stopped loses no more than those."""


class EmbeddingCache:
    """A folder of embeddings that one model made, in files that are added and never changed.

    Args:
        folder: Where the files lie; made when the first is written.
        dimensions: Length of an embedding.
    """

    def __init__(self, folder: Path, dimensions: int) -> None:
        self._folder = folder
        self._row = np.dtype([("text", "S32"), ("vector", np.float32, (dimensions,))])
        self._vectors: dict[bytes, NDArray[np.float32]] = {}
        for file in sorted(folder.glob("*.npy")):
            self._open(file)

    def vectors(
        self, texts: Sequence[str], embed: Callable[[Sequence[str]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the embeddings of texts, in their order; those that are not there are made, and kept.

        Args:
            texts: What is embedded.
            embed: Makes embeddings.

        Returns:
            [texts, dimensions].

        Raises:
            EvaluationError: If embeddings cannot be kept.
        """
        missing = list({key: text for text in texts if (key := _key(text)) not in self._vectors}.items())
        passed(len(texts) - len(missing), work=False)
        for start in range(0, len(missing), _BLOCK):
            block = missing[start : start + _BLOCK]
            self._store([key for key, _ in block], embed([text for _, text in block]))
        found = np.empty((len(texts), *self._row["vector"].shape), np.float32)
        for number, text in enumerate(texts):
            found[number] = self._vectors[_key(text)]
        return found

    def _store(self, keys: list[bytes], vectors: NDArray[np.float32]) -> None:
        """Write a file, which appears under its name once it is whole."""
        rows = np.empty(len(keys), self._row)
        rows["text"], rows["vector"] = keys, vectors
        file = self._folder / f"{hashlib.sha256(b''.join(keys)).hexdigest()[:32]}.npy"
        unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as stream:
                np.save(stream, rows)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(file)
        except OSError as error:
            raise EvaluationError(f"embeddings cannot be kept in {self._folder}: {error}") from None
        finally:
            with suppress(OSError):
                unfinished.unlink()
        self._open(file)

    def _open(self, file: Path) -> None:
        """Take in the rows of a file, unless it is cut off or not one of ours."""
        try:
            rows = np.load(file, mmap_mode="r")
        except Exception:  # a damaged header can raise anything
            return
        if rows.dtype == self._row:
            self._vectors.update(zip(rows["text"].tolist(), rows["vector"], strict=True))


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest().encode()
