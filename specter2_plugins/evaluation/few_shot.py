"""Small samples of the training papers, the same ones as SciRepEval's evaluator draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.labelled import Split
from specter2_plugins.extras import require

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

    def splits(self, split: Split, multi_label: bool) -> Iterator[Split]:
        """The split with each sample for its training papers.

        Raises:
            EvaluationError: If there are not papers enough.
        """
        samples = self._of_each_label(split.train_labels) if multi_label else self._stratified(split)
        for sample in samples:
            yield split._replace(train=split.train[sample], train_labels=split.train_labels[sample])

    def _stratified(self, split: Split) -> Iterator[NDArray[np.intp]]:
        """The test parts of unshuffled stratified folds."""
        selection = require("sklearn.model_selection", "scikit-learn", "evaluate")
        folds = ceil(len(split.train) / self.sample_size)
        try:
            parts = selection.StratifiedKFold(folds).split(split.train, split.train_labels)
            yield from islice((sample for _, sample in parts), self.iterations)
        except ValueError as error:
            raise EvaluationError(
                f"{len(split.train)} training papers make no samples of {self.sample_size}: {error}"
            ) from None

    def _of_each_label(self, labels: NDArray[Any]) -> Iterator[list[int]]:
        utils = require("sklearn.utils", "scikit-learn", "evaluate")
        papers_of = [np.flatnonzero(column == 1) for column in labels.T]
        rare = min(range(len(papers_of)), key=lambda label: len(papers_of[label]))
        if len(papers_of[rare]) < self.sample_size:
            raise EvaluationError(
                f"label {rare} has {len(papers_of[rare])} training papers, fewer than a sample of {self.sample_size}. "
                "Take smaller samples, or leave the label out"
            )
        for iteration in range(self.iterations):
            # The old generator, and the order of a set of numbers, are what SciRepEval's samples are made of.
            random = utils.check_random_state(_SEED + iteration)
            chosen: set[int] = set()
            for papers in papers_of:
                chosen.update(random.choice(papers, self.sample_size, replace=False).tolist())
            yield list(chosen)
