"""Embeddings and labels that are the same on every machine and every version of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FEW_SHOT = (24, 5)
LABEL_SHOT = (8, 2)
"""Sample size and iterations."""

_TRAIN, _TEST, _DIMENSIONS, _OUTPUTS = 480, 200, 16, 4
_NOISE = 0.1


def classes() -> tuple[Any, Any, Any, Any]:
    """Four classes; train, labels, test, labels."""
    return _split(lambda values: values.argmax(1))


def labels() -> tuple[Any, Any, Any, Any]:
    """Four labels, each of which three or four of ten papers have."""
    return _split(lambda values: (values > 0.5).astype(int))


def numbers() -> tuple[Any, Any, Any, Any]:
    """A number a paper."""
    return _split(lambda values: values[:, 0])


def _split(answer: Callable[[Any], Any]) -> tuple[Any, Any, Any, Any]:
    # The old generator's stream is frozen.
    random = np.random.RandomState(7)
    clean = random.normal(size=(_TRAIN + _TEST, _DIMENSIONS))
    answers = answer(clean @ random.normal(size=(_DIMENSIONS, _OUTPUTS)) / np.sqrt(_DIMENSIONS))
    noisy = clean + _NOISE * random.normal(size=clean.shape)
    # Of length 1, so that no solver runs into its limit of iterations.
    vectors = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
    return vectors[:_TRAIN], answers[:_TRAIN], vectors[_TRAIN:], answers[_TRAIN:]
