"""Classification: a linear SVM on the embeddings, measured by F1.

Source: SciRepEval (Singh et al., 2023) and its evaluator, https://github.com/allenai/scirepeval. That one solves with
sklearn-contrib-lightning, which has no wheels for Python 3.11; scikit-learn solves the same problem here: no
intercept, squared hinge loss (hinge where papers have several labels).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.few_shot import FewShot
from specter2_plugins.evaluation.labelled import Labelled, Split
from specter2_plugins.evaluation.report import MODEL, Score
from specter2_plugins.extras import require

_SEED = 42
_FOLDS = 3
_COSTS = np.logspace(-2, 2, 5)
_METRICS = ("f1", "accuracy", "precision", "recall")
_AVERAGES = ("micro", "macro", "weighted", "samples", "binary")


@dataclass(frozen=True)
class Classification:
    """Papers with a class, or with any number of labels each.

    Args:
        name: What tables call it.
        papers: Labels are classes or, with `multi_label`, rows of zeros and ones.
        metrics: "f1", "accuracy", "precision", "recall", and those with an average, such as "f1_macro".
        multi_label: Whether a paper has several labels.
        few_shot: Runs with few training papers, beside the one with all.
    """

    name: str
    papers: Labelled
    metrics: tuple[str, ...]
    multi_label: bool = False
    few_shot: tuple[FewShot, ...] = ()

    def __post_init__(self) -> None:
        for metric in self.metrics:
            kind, _, average = metric.partition("_")
            if kind not in _METRICS or (average and average not in _AVERAGES):
                raise EvaluationError(
                    f"task {self.name!r}: unknown metric {metric!r}; classification has {', '.join(_METRICS)}, "
                    f"and those with an average, such as f1_macro ({', '.join(_AVERAGES)})"
                )

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Learn from the training papers, and score what is predicted for the others."""
        split = self.papers.embed(encoder, "classification")
        yield from self._scores(self.name, [classify(split, multi_label=self.multi_label)], split)
        for runs in self.few_shot:
            name = f"{self.name}, {runs.sample_size} shot"
            parts = runs.splits(split, self.multi_label)
            predictions = [classify(part, multi_label=self.multi_label, search_cost=self.multi_label) for part in parts]
            yield from self._scores(name, predictions, split)

    def _scores(self, name: str, predictions: Sequence[NDArray[Any]], split: Split) -> Iterator[Score]:
        for metric in self.metrics:
            values = [_measure(metric, split.test_labels, predicted) for predicted in predictions]
            yield Score(name, metric, MODEL, float(np.mean(values)))


def classify(split: Split, *, multi_label: bool = False, search_cost: bool = True) -> NDArray[Any]:
    """Predict the labels of the test papers.

    Args:
        split: Embeddings and labels.
        multi_label: One SVM for each label, each with a cost of its own.
        search_cost: Whether to search the cost, 0.01 to 100, by accuracy over three folds. Otherwise it is 1.

    Raises:
        EvaluationError: If there are too few papers of a label for three folds.
    """
    svm = require("sklearn.svm", "scikit-learn", "evaluate")
    selection = require("sklearn.model_selection", "scikit-learn", "evaluate")
    multiclass = require("sklearn.multiclass", "scikit-learn", "evaluate")
    loss, iterations = ("hinge", 10_000) if multi_label else ("squared_hinge", 1_000)
    model = svm.LinearSVC(loss=loss, dual=True, fit_intercept=False, tol=1e-3, max_iter=iterations, random_state=_SEED)
    if search_cost:
        model = selection.GridSearchCV(model, {"C": _COSTS}, cv=_FOLDS, error_score="raise")
    if multi_label:
        _check_labels(split.train_labels)
        model = multiclass.OneVsRestClassifier(model)
    try:
        return model.fit(split.train, split.train_labels).predict(split.test)
    except ValueError as error:
        raise EvaluationError(f"no classifier can be fitted to these {len(split.train)} papers: {error}") from None


def _check_labels(labels: NDArray[Any]) -> None:
    """One fold out of three would hold the only paper of such a label, and leave none to learn from."""
    counts = labels.sum(axis=0)
    lonely = np.flatnonzero((counts == 1) | (counts == len(labels) - 1))
    if len(lonely):
        raise EvaluationError(
            f"label {lonely[0]} splits the {len(labels)} training papers one against all others; "
            "a search over three folds needs two of each. Leave the label out, or add papers"
        )


def _measure(metric: str, labels: NDArray[Any], predicted: NDArray[Any]) -> float:
    metrics = require("sklearn.metrics", "scikit-learn", "evaluate")
    kind, _, average = metric.partition("_")
    options: dict[str, Any] = {"average": average} if average else {}
    if kind != "accuracy":
        options["zero_division"] = 0
    # SciRepEval rounds every run before it takes their mean.
    return round(100 * float(getattr(metrics, f"{kind}_score")(labels, predicted, **options)), 2)
