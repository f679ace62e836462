"""Papers with labels, in two parts: to learn from and to be tested on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.printable import from_json
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


def classes(values: Sequence[Any]) -> NDArray[Any]:
    """Return one class a paper, [papers]: names or numbers.

    Raises:
        EvaluationError: If a label is a list or missing.
    """
    for value in (values := _read(values)):
        if value in (None, ""):
            raise EvaluationError("a paper has no label")
        if not isinstance(value, str | int | float):
            raise EvaluationError(f"label {value!r} is no class; lists of zeros and ones need 'multi_label': true")
    return np.array(values)


def indicators(values: Sequence[Any]) -> NDArray[Any]:
    """Return any number of labels a paper, [papers, labels]: zeros and ones.

    Raises:
        EvaluationError: If a label is not as long a list of zeros and ones as the first.
    """
    values = _read(values)
    for value in values:
        if not isinstance(value, list) or len(value) != len(values[0]) or not all(one in (0, 1) for one in value):
            raise EvaluationError(f"label {value!r} of a 'multi_label' task is not as long a list of 0 and 1 as others")
    return np.array(values, dtype=int)


def numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return one number a paper, [papers].

    Raises:
        EvaluationError: If a label is no finite number.
    """
    for value in (values := _read(values)):
        if not isinstance(value, int | float) or not _is_finite(value):
            raise EvaluationError(f"label {value!r} is no number")
    return np.array(values, dtype=np.float64)


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _read(values: Sequence[Any]) -> Sequence[Any]:
    """Return labels as they are; those of a CSV are text, and numbers or lists if all of them read as such."""
    if not all(isinstance(value, str) for value in values):
        return values
    try:
        return [from_json(value) for value in values]
    except json.JSONDecodeError:
        return values
