"""Regression: a linear support vector regressor on the embeddings, measured by Kendall's tau.

Source: SciRepEval and its evaluator; as there, no intercept and no margin. See `classification` about the solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.labelled import Labelled, Split
from specter2_plugins.evaluation.report import MODEL, Score
from specter2_plugins.extras import require

_SEED = 42
_FOLDS = 3
_COSTS = np.logspace(-4, 2, 7)
_METRICS = ("kendalltau", "pearsonr", "r2", "mse")


@dataclass(frozen=True)
class Regression:
    """Papers with a number each.

    Args:
        name: What tables call it.
        papers: Their labels are numbers.
        metrics: "kendalltau", "pearsonr", "r2" or "mse".
    """

    name: str
    papers: Labelled
    metrics: tuple[str, ...]

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric not in _METRICS:
                raise EvaluationError(
                    f"task {self.name!r}: unknown metric {metric!r}; regression has {', '.join(_METRICS)}"
                )

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Learn from the training papers, and score what is predicted for the others."""
        split = self.papers.embed(encoder, "regression")
        predicted = regress(split)
        for metric in self.metrics:
            yield Score(self.name, metric, MODEL, _measure(metric, split.test_labels, predicted))


def regress(split: Split) -> NDArray[np.float64]:
    """Predict the numbers of the test papers; the cost, 0.0001 to 100, is searched over three folds by R2."""
    svm = require("sklearn.svm", "scikit-learn", "evaluate")
    selection = require("sklearn.model_selection", "scikit-learn", "evaluate")
    model = svm.LinearSVR(
        epsilon=0, loss="epsilon_insensitive", dual=True, fit_intercept=False, tol=1e-3, random_state=_SEED
    )
    search = selection.GridSearchCV(model, {"C": _COSTS}, cv=_FOLDS, error_score="raise")
    try:
        return search.fit(split.train, split.train_labels).predict(split.test)
    except ValueError as error:
        raise EvaluationError(f"no regressor can be fitted to these {len(split.train)} papers: {error}") from None


def _measure(metric: str, labels: NDArray[Any], predicted: NDArray[np.float64]) -> float:
    stats = require("scipy.stats", "scipy", "evaluate")
    metrics = require("sklearn.metrics", "scikit-learn", "evaluate")
    if metric == "mse":
        return float(metrics.mean_squared_error(labels, predicted))
    value = metrics.r2_score(labels, predicted) if metric == "r2" else getattr(stats, metric)(labels, predicted)[0]
    return round(100 * float(value), 2)
