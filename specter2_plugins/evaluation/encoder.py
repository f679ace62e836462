"""Documents -> embeddings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import TaskError
from specter2_plugins.evaluation.cache import EmbeddingCache
from specter2_plugins.evaluation.stages import passed, stage
from specter2_plugins.scirepeval import Document, text_of

if TYPE_CHECKING:
    from specter2_plugins.fingerprint import Fingerprint
    from specter2_plugins.sentence_transformers.specter2 import Specter2

_Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]


class Encoder:
    """A model, and the folder that keeps its embeddings.

    Args:
        model: What embeds.
        adapter: The adapter, or "base", that every text goes through. Default: the one of the text's task.
        cache: Where embeddings are kept, by the model's fingerprint and the texts. Default: nowhere.
        progress: Whether to show bars.
    """

    def __init__(
        self,
        model: Specter2,
        adapter: str | None = None,
        cache: Path | None = None,
        progress: bool = False,
    ) -> None:
        self._model = model
        self._adapter = adapter
        self._folder = cache
        self._progress = progress
        self._embedder = lru_cache(maxsize=None)(self._new_embedder)
        self.used: dict[str, Fingerprint] = {}
        """What embedded each task's texts so far."""

    def embed(self, documents: Sequence[Document], task: str) -> NDArray[np.float32]:
        """Embed documents as those of a task: "proximity", "adhoc_query", "classification" or "regression".

        Returns:
            [documents, dimensions].

        Raises:
            TaskError: If the model has no adapter for the task.
            EvaluationError: If the cache cannot be written.
        """
        try:
            self.used[task], embed = self._embedder(self._adapter or task)
        except TaskError as error:
            raise TaskError(f"{error}, or send every text through one adapter, or 'base'") from None
        with stage("embedding", "texts", len(documents)):
            return embed([text_of(parts, self._model.transformer.sep_token) for parts in documents])

    def _new_embedder(self, adapter: str) -> tuple[Fingerprint, _Embed]:

        fingerprint = self._model.fingerprint(adapter)
        embed = partial(self._encode, adapter)
        if self._folder is None:
            return fingerprint, embed
        dimensions = self._model.dimensions
        cache = EmbeddingCache(self._folder / digest(identity(fingerprint, dimensions)), dimensions)
        return fingerprint, partial(cache.vectors, embed=embed)

    def _encode(self, adapter: str, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self._model.dimensions), np.float32)
        vectors = self._model.encode(
            texts, task=adapter, show_progress_bar=self._progress, on_pass=lambda count, tokens: passed(count)
        )
        return np.asarray(vectors, np.float32)


def identity(fingerprint: Fingerprint, dimensions: int) -> dict[str, str | int]:
    """Return all that embeddings depend on; the base's name is for the reader alone."""
    return {name: value for name, value in fingerprint.to_dict().items() if name != "base"} | {"dimensions": dimensions}


def digest(value: Any) -> str:
    """Return SHA-256 of a value's JSON, in hexadecimal."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
