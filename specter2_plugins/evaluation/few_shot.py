"""Small samples of the training papers, the same ones as SciRepEval's evaluator draws."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.labelled import Split

_SEED = 42


@dataclass(frozen=True)
class FewShot:
    """How many papers to learn from, and how often.

    Args:
        sample_size: Papers of a sample; where papers have several labels, papers of each label.
        iterations: Samples. Of papers with one class there are no more than the training papers make.
    """

    sample_size: int
    iterations: int

    def __post_init__(self) -> None:
        for name, value in (("sample_size", self.sample_size), ("iterations", self.iterations)):
            if not isinstance(value, int) or value < 1:
                raise EvaluationError(f"few_shot: {name} is {value!r}, expected a whole number from 1")

    def splits(self, split: Split, multi_label: bool) -> Iterator[Split]:
        """Yield the split with each sample for its training papers.

        Raises:
            EvaluationError: If there are not papers enough.
        """
        samples = self._of_each_label(split.train_labels) if multi_label else self._stratified(split)
        for sample in samples:
            yield split._replace(train=split.train[sample], train_labels=split.train_labels[sample])

    def _stratified(self, split: Split) -> list[NDArray[np.intp]]:
        """Return the test parts of unshuffled stratified folds."""
        folds = ceil(len(split.train) / self.sample_size)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            try:
                parts = StratifiedKFold(folds).split(split.train, split.train_labels)
                return [sample for _, sample in islice(parts, self.iterations)]
            except ValueError as error:
                raise EvaluationError(
                    f"{len(split.train)} training papers make no samples of {self.sample_size}: {error}"
                ) from None

    def _of_each_label(self, labels: NDArray[Any]) -> Iterator[list[int]]:
        papers_of = [np.flatnonzero(column == 1) for column in labels.T]
        rare = min(range(len(papers_of)), key=lambda label: len(papers_of[label]))
        if len(papers_of[rare]) < self.sample_size:
            raise EvaluationError(
                f"label {rare} has {len(papers_of[rare])} training papers, fewer than a sample of {self.sample_size}. "
                "Take smaller samples, or leave the label out"
            )
        for iteration in range(self.iterations):
            # The old generator, and the order of a set of numbers, are what SciRepEval's samples are made of.
            random = check_random_state(_SEED + iteration)
            chosen: set[int] = set()
            for papers in papers_of:
                chosen.update(random.choice(papers, self.sample_size, replace=False).tolist())
            yield list(chosen)
