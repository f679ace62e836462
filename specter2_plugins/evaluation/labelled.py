"""Papers with labels, in two parts: to learn from and to be tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.scirepeval import Document


class Split(NamedTuple):
    """Embeddings [papers, dimensions] and labels, [papers] or with several labels a paper [papers, labels]."""

    train: NDArray[np.float32]
    train_labels: NDArray[Any]
    test: NDArray[np.float32]
    test_labels: NDArray[Any]


@dataclass(frozen=True)
class Labelled:
    """The papers of a `Split`."""

    train: list[Document]
    train_labels: NDArray[Any]
    test: list[Document]
    test_labels: NDArray[Any]

    def embed(self, encoder: Encoder, task: str) -> Split:
        """Embed both parts."""
        vectors = encoder.embed([*self.train, *self.test], task)
        count = len(self.train)
        return Split(vectors[:count], self.train_labels, vectors[count:], self.test_labels)
