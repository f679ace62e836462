"""A known pair of texts through a model: does it compute here what it computes elsewhere, each through its adapter?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.checkpoints.families import Family
from specter2_plugins.papers import Paper
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.tasks import BASE

QUERY = "graph neural networks for molecules"
PAPER = Paper(
    title="Message passing for quantum chemistry",
    abstract="Neural networks on graphs predict the properties of molecules.",
)

_TOLERANCE = {"float32": 1e-4}
_HALF_TOLERANCE = 0.05
"""Of a vector's length: rounding to 8 or 11 bits, over all layers."""


@dataclass(frozen=True)
class SelfCheck:
    """What a model made of the pair.

    Args:
        adapters: Task -> distance of its vector of the paper from the base's, for every adapter.
        distance: Of the query's vector from the paper's; None where the model embeds no queries or no papers.
        expected: What it is known to be, in float32; None where nobody has measured it.
        difference: The largest distance of a vector from that of transformers' own forward, as a share of its length.
        faults: What is wrong.
    """

    adapters: dict[str, float]
    distance: float | None
    expected: float | None
    difference: float
    faults: list[str]


def self_check(model: Specter2, family: Family | None = None) -> SelfCheck:
    """Embed the pair in every way that the model knows, and compare.

    Args:
        model: The model.
        family: The one it belongs to, which may know the pair's distance.
    """
    dtype = str(model.transformer.model.dtype).removeprefix("torch.")
    allowed = _TOLERANCE.get(dtype, _HALF_TOLERANCE)
    tasks = [*model.adapter_tasks, BASE]
    ours = {task: _vectors(model, task) for task in tasks}
    with _reference(model):
        theirs = {task: _vectors(model, task) for task in tasks}
    difference = max(_distance(ours[task], theirs[task]) / _length(theirs[task]) for task in tasks)
    adapters = {task: _distance(ours[task][1:], ours[BASE][1:]) for task in model.adapter_tasks}
    distance = None
    if not adapters or {"proximity", "adhoc_query"} <= adapters.keys():
        query, paper = ("adhoc_query", "proximity") if adapters else (BASE, BASE)
        distance = _distance(ours[query][:1], ours[paper][1:])
    expected = family.known_distance if family is not None and adapters else None
    faults = []
    if not all(np.isfinite(vectors).all() for vectors in ours.values()):
        faults.append("vectors hold NaN or infinity")
    if not difference <= allowed:
        faults.append(
            f"the packed engine's vectors differ from those of transformers' forward by {difference:.2g} of their "
            f'length; engine="reference" computes as transformers does'
        )
    if expected is not None and distance is not None and not abs(distance - expected) <= allowed * 10:
        faults.append(
            f"the known pair lies {distance:.4f} apart, and should lie {expected:.4f}: other weights, or a fault"
        )
    faults += [f"the adapter {task!r} changes nothing" for task, far in adapters.items() if far == 0]
    return SelfCheck(adapters, distance, expected, difference, faults)


def _vectors(model: Specter2, task: str) -> NDArray[np.float32]:
    vectors = model.encode([QUERY, PAPER], task=task, show_progress_bar=False, convert_to_tensor=True)
    return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)


@contextmanager
def _reference(model: Specter2) -> Iterator[None]:
    transformer = model.transformer
    engine, transformer.engine = transformer.engine, "reference"
    try:
        yield
    finally:
        transformer.engine = engine


def _distance(some: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(some - others, axis=1).max())


def _length(vectors: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(vectors, axis=1).min()) or 1.0
