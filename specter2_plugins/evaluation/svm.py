"""The linear support vector machines of SciRepEval's evaluator.

It solves with sklearn-contrib-lightning, which has no wheels for Python 3.11; scikit-learn solves the same problems
here, by the same method: no intercept, tolerance 0.001, as many iterations at most.
Source: https://github.com/allenai/scirepeval, evaluation/evaluator.py.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC, LinearSVR

from specter2_plugins.errors import EvaluationError, one_line
from specter2_plugins.evaluation.labelled import Split
from specter2_plugins.evaluation.stages import passed, stage

_SEED = 42
_FOLDS = 3
_CLASSIFIER_COSTS = np.logspace(-2, 2, 5)
_REGRESSOR_COSTS = np.logspace(-4, 2, 7)


def fits(*, labels: int = 1, search_cost: bool = True) -> int:
    """Return how many SVMs `classify` fits.

    Args:
        labels: How many labels are learned one by one; 1 where a paper has one class.
        search_cost: Whether the cost is searched.
    """
    return labels * (len(_CLASSIFIER_COSTS) * _FOLDS + 1 if search_cost else 1)


def classify(split: Split, *, multi_label: bool = False, search_cost: bool = True) -> NDArray[Any]:
    """Predict the labels of the test papers.

    Args:
        split: Embeddings and labels.
        multi_label: Whether a paper has several labels: an SVM with hinge loss for each, each with a cost of its own,
            instead of one with squared hinge loss.
        search_cost: Whether to search the cost, 0.01 to 100, by accuracy over three folds. Otherwise it is 1.

    Returns:
        Labels as those of the training papers, [papers] or [papers, labels].

    Raises:
        EvaluationError: If nothing can be learnt, as of fewer papers than folds.
    """
    loss, iterations = ("hinge", 10_000) if multi_label else ("squared_hinge", 1_000)
    model: Any = _Classifier(
        loss=loss, dual=True, fit_intercept=False, tol=1e-3, max_iter=iterations, random_state=_SEED
    )
    if search_cost:
        model = GridSearchCV(model, {"C": _CLASSIFIER_COSTS}, cv=_FOLDS, error_score="raise")
    return _predict(OneVsRestClassifier(model) if multi_label else model, split)


def regress(split: Split) -> NDArray[np.float64]:
    """Predict the numbers of the test papers; the cost, 0.0001 to 100, is searched over three folds by R2.

    Raises:
        EvaluationError: If nothing can be learnt, as of fewer papers than folds.
    """
    model = _Regressor(epsilon=0, dual=True, fit_intercept=False, tol=1e-3, max_iter=1_000, random_state=_SEED)
    with stage("learning", "SVMs", len(_REGRESSOR_COSTS) * _FOLDS + 1):
        return _predict(GridSearchCV(model, {"C": _REGRESSOR_COSTS}, cv=_FOLDS, error_score="raise"), split)


class _Classifier(LinearSVC):
    """Predicts the only class there is, as lightning's does: a fold may hold all papers of a rare one."""

    def fit(self, papers: NDArray[np.float32], labels: NDArray[Any]) -> _Classifier:
        found = np.unique(labels)
        if len(found) > 1:
            super().fit(papers, labels)
        else:
            self.classes_, self.coef_, self.intercept_ = found, np.zeros((1, papers.shape[1])), np.array([-1.0])
        passed()
        return self


class _Regressor(LinearSVR):
    """Tells when it has learned."""

    def fit(self, papers: NDArray[np.float32], numbers: NDArray[np.float64]) -> _Regressor:
        super().fit(papers, numbers)
        passed()
        return self


def _predict(model: Any, split: Split) -> NDArray[Any]:
    with warnings.catch_warnings():
        # The limit of iterations is part of the protocol, and so are classes with fewer papers than folds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.filterwarnings("ignore", "Label .* is present in all training examples", UserWarning)
        try:
            return model.fit(split.train, split.train_labels).predict(split.test)
        except ValueError as error:
            raise EvaluationError(
                f"nothing can be learnt from these {len(split.train)} papers: {one_line(error)}"
            ) from None
