"""Regression: a linear support vector regressor on the embeddings, measured by Kendall's tau.

Source: SciRepEval and its evaluator. See `svm` about the solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scipy.stats import kendalltau, pearsonr
from sklearn.metrics import mean_squared_error, r2_score

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.labelled import Labelled
from specter2_plugins.evaluation.report import MODEL, Score
from specter2_plugins.evaluation.svm import regress

METRICS: dict[str, Callable[[Any, Any], float]] = {
    "kendalltau": lambda labels, predicted: round(100 * float(kendalltau(labels, predicted)[0]), 2),
    "pearsonr": lambda labels, predicted: round(100 * float(pearsonr(labels, predicted)[0]), 2),
    "r2": lambda labels, predicted: round(100 * float(r2_score(labels, predicted)), 2),
    "mse": lambda labels, predicted: float(mean_squared_error(labels, predicted)),
}
"""What can be computed, in points of 100 but for the mean squared error; a correlation with a constant is nan."""


@dataclass(frozen=True)
class Regression:
    """Papers with a number each.

    Args:
        name: What tables call it.
        papers: Their labels are numbers.
        metrics: Some of `METRICS`.
    """

    name: str
    papers: Labelled
    metrics: tuple[str, ...]

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Learn from the training papers, and score what is predicted for the others.

        Raises:
            EvaluationError: If nothing can be learnt, or there are too few papers to measure.
        """
        split = self.papers.embed(encoder, "regression")
        predicted = regress(split)
        for metric in self.metrics:
            try:
                value = METRICS[metric](split.test_labels, predicted)
            except ValueError as error:
                raise EvaluationError(f"{metric} cannot be computed: {error}") from None
            yield Score(self.name, metric, MODEL, value)


def check_metrics(metrics: Iterable[str]) -> None:
    """Refuse what regression does not have.

    Raises:
        EvaluationError: The message lists what it has.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise EvaluationError(f"unknown metric {metric!r}; regression has {', '.join(METRICS)}")
