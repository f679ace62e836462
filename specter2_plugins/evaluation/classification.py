"""Classification: a linear SVM on the embeddings, measured by F1.

Source: SciRepEval (Singh et al., 2023) and its evaluator, https://github.com/allenai/scirepeval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.few_shot import FewShot
from specter2_plugins.evaluation.labelled import Labelled, Split
from specter2_plugins.evaluation.report import MODEL, Score
from specter2_plugins.evaluation.stages import stage
from specter2_plugins.evaluation.svm import classify, fits

_AVERAGED = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
_AVERAGES = ("binary", "macro", "micro", "samples", "weighted")
METRICS = ("accuracy", *_AVERAGED, *(f"{metric}_{average}" for metric in _AVERAGED for average in _AVERAGES))
"""What can be computed; F1, precision and recall without an average are those of class 1 of two."""


@dataclass(frozen=True)
class Classification:
    """Papers with a class, or with any number of labels each.

    Args:
        name: What tables call it.
        papers: Labels are classes or, with `multi_label`, rows of zeros and ones.
        metrics: Some of `METRICS`.
        multi_label: Whether a paper has several labels.
        few_shot: Runs with few training papers, beside the one with all.
    """

    name: str
    papers: Labelled
    metrics: tuple[str, ...]
    multi_label: bool = False
    few_shot: tuple[FewShot, ...] = ()

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Learn from the training papers, and score what is predicted for the others.

        Raises:
            EvaluationError: If nothing can be learnt, or a metric does not fit the labels.
        """
        split = self.papers.embed(encoder, "classification")
        labels = split.train_labels.shape[1] if self.multi_label else 1
        with stage("learning", "SVMs", fits(labels=labels)):
            predicted = classify(split, multi_label=self.multi_label)
        yield from self._scores(self.name, [predicted], split)
        for runs in self.few_shot:
            samples = runs.splits(split, self.multi_label)
            # As in SciRepEval, the cost is not searched in small samples of papers with one class.
            fitted = fits(labels=labels, search_cost=self.multi_label)
            with stage(f"learning from {runs.sample_size}", "SVMs", runs.iterations * fitted):
                made = [classify(one, multi_label=self.multi_label, search_cost=self.multi_label) for one in samples]
            yield from self._scores(f"{self.name}, {runs.sample_size} shot", made, split)

    def _scores(self, name: str, predictions: Sequence[NDArray[Any]], split: Split) -> Iterator[Score]:
        for metric in self.metrics:
            values = [_measure(metric, split.test_labels, predicted) for predicted in predictions]
            yield Score(name, metric, MODEL, float(np.mean(values)))


def check_metrics(metrics: Iterable[str]) -> None:
    """Refuse what classification does not have.

    Raises:
        EvaluationError: The message lists what it has.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise EvaluationError(f"unknown metric {metric!r}; classification has {', '.join(METRICS)}")


def _measure(metric: str, labels: NDArray[Any], predicted: NDArray[Any]) -> float:
    kind, _, average = metric.partition("_")
    try:
        if kind == "accuracy":
            value = accuracy_score(labels, predicted)
        else:
            value = _AVERAGED[kind](labels, predicted, average=average or "binary", zero_division=0)
    except ValueError as error:
        raise EvaluationError(f"{metric} cannot be computed: {error}") from None
    # SciRepEval rounds every run before it takes their mean.
    return round(100 * float(value), 2)
