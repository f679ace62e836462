"""Embeddings and labels that are the same on every machine and every version of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

FEW_SHOT = (24, 5)
LABEL_SHOT = (8, 4)
"""Sample size and iterations."""

_TRAIN, _TEST, _DIMENSIONS = 240, 200, 16


def classes() -> tuple[Any, Any, Any, Any]:
    """Four classes; train, labels, test, labels."""
    return _split(lambda vectors, directions: (vectors @ directions).argmax(1), noise=0.3)


def labels() -> tuple[Any, Any, Any, Any]:
    """Four labels, each of which three or four of ten papers have."""
    return _split(lambda vectors, directions: (vectors @ directions > 0.5).astype(int), noise=0.3)


def _split(answer: Any, noise: float) -> tuple[Any, Any, Any, Any]:
    # The old generator's stream is frozen.
    random = np.random.RandomState(7)
    clean = random.normal(size=(_TRAIN + _TEST, _DIMENSIONS))
    answers = answer(clean, random.normal(size=(_DIMENSIONS, 4)) / np.sqrt(_DIMENSIONS))
    vectors = (clean + noise * random.normal(size=clean.shape)).astype(np.float32)
    return vectors[:_TRAIN], answers[:_TRAIN], vectors[_TRAIN:], answers[_TRAIN:]
