"""On the same embeddings, classification and regression give what scikit-learn and SciPy give when called directly."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error, precision_score, r2_score, recall_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC, LinearSVR

from specter2_plugins.evaluation.classification import METRICS, Classification
from specter2_plugins.evaluation.few_shot import FewShot
from specter2_plugins.evaluation.labelled import Labelled
from specter2_plugins.evaluation.regression import Regression
from specter2_plugins.evaluation.report import Score
from tests.evaluation.conftest import Given
from tests.evaluation.data import problems

# Those of scikit-learn called directly; that the evaluation itself gives none is tested.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference.json").read_text())
BINARY_ONLY = {metric for metric in METRICS if metric.endswith("_binary") or metric in ("f1", "precision", "recall")}


def labelled(problem: Any) -> tuple[Labelled, Given]:
    train, train_labels, test, test_labels = problem
    documents = [(f"paper {number}",) for number in range(len(train) + len(test))]
    papers = Labelled(documents[: len(train)], train_labels, documents[len(train) :], test_labels)
    return papers, Given(dict(zip(documents, [*train, *test], strict=True)))


def values(scores: Any) -> dict[tuple[str, str], float]:
    found: list[Score] = list(scores)
    return {(score.task, score.metric): score.value for score in found if score.system == "model"}


def squared_hinge() -> LinearSVC:
    return LinearSVC(loss="squared_hinge", fit_intercept=False, tol=1e-3, random_state=42)


def searched(model: Any, costs: Any) -> GridSearchCV:
    return GridSearchCV(model, {"C": costs}, cv=3)


def direct(metric: str, labels: Any, predicted: Any) -> float:
    kind, _, average = metric.partition("_")
    if kind == "accuracy":
        return round(100 * accuracy_score(labels, predicted), 2)
    compute = {"f1": f1_score, "precision": precision_score, "recall": recall_score}[kind]
    return round(100 * compute(labels, predicted, **({"average": average} if average else {})), 2)


@pytest.mark.parametrize("classes", [2, 4])
def test_classification(classes: int) -> None:
    train, train_labels, test, test_labels = problems.classes()
    problem = train, train_labels % classes, test, test_labels % classes
    papers, given = labelled(problem)
    metrics = tuple(
        metric for metric in METRICS if "samples" not in metric and (classes == 2 or metric not in BINARY_ONLY)
    )
    found = values(Classification("task", papers, metrics).evaluate(given))

    predicted = searched(squared_hinge(), [0.01, 0.1, 1, 10, 100]).fit(problem[0], problem[1]).predict(test)
    assert found == {("task", metric): direct(metric, problem[3], predicted) for metric in metrics}
    assert [task for task, _ in given.tasks] == ["classification"]


def test_multi_label_classification() -> None:
    train, train_labels, test, test_labels = problem = problems.labels()
    papers, given = labelled(problem)
    metrics = ("accuracy", "f1_macro", "f1_micro", "f1_samples", "precision_macro", "recall_weighted")
    found = values(Classification("task", papers, metrics, multi_label=True).evaluate(given))

    hinge = LinearSVC(loss="hinge", fit_intercept=False, tol=1e-3, max_iter=10_000, random_state=42)
    columns = [searched(hinge, np.logspace(-2, 2, 5)).fit(train, column).predict(test) for column in train_labels.T]
    predicted = np.stack(columns, axis=1)
    assert found == {("task", metric): direct(metric, test_labels, predicted) for metric in metrics}


def test_few_shot_classification() -> None:
    train, train_labels, test, test_labels = problem = problems.classes()
    papers, given = labelled(problem)
    task = Classification("task", papers, ("f1_macro",), few_shot=(FewShot(*problems.FEW_SHOT),))
    found = values(task.evaluate(given))

    size, iterations = problems.FEW_SHOT
    runs = []
    for number, (_, sample) in enumerate(StratifiedKFold(ceil(len(train) / size)).split(train, train_labels)):
        if number < iterations:
            predicted = squared_hinge().fit(train[sample], train_labels[sample]).predict(test)
            runs.append(direct("f1_macro", test_labels, predicted))
    assert len(runs) == iterations
    assert found["task, 24 shot", "f1_macro"] == pytest.approx(np.mean(runs), abs=1e-9)


def test_few_shot_multi_label_classification() -> None:
    train, train_labels, test, test_labels = problem = problems.labels()
    papers, given = labelled(problem)
    shots = FewShot(*problems.LABEL_SHOT)
    found = values(Classification("task", papers, ("f1_macro",), multi_label=True, few_shot=(shots,)).evaluate(given))

    runs = []
    for iteration in range(shots.iterations):
        np.random.seed(42 + iteration)  # noqa: NPY002
        sample: set[int] = set()
        for column in train_labels.T:
            drawn = np.random.choice(np.where(column == 1)[0], shots.sample_size, replace=False)  # noqa: NPY002
            sample.update(drawn.tolist())
        hinge = LinearSVC(loss="hinge", fit_intercept=False, tol=1e-3, max_iter=10_000, random_state=42)
        model = OneVsRestClassifier(searched(hinge, np.logspace(-2, 2, 5)))
        predicted = model.fit(train[list(sample)], train_labels[list(sample)]).predict(test)
        runs.append(direct("f1_macro", test_labels, predicted))
    assert found["task, 8 shot", "f1_macro"] == pytest.approx(np.mean(runs), abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_scirepevals_own_solver_gives_the_same() -> None:
    papers, given = labelled(problems.classes())
    one = Classification("f1_macro", papers, ("f1_macro",), few_shot=(FewShot(*problems.FEW_SHOT),))
    found = [score.value for score in one.evaluate(given)]
    papers, given = labelled(problems.labels())
    several = Classification("labels", papers, ("f1_macro",), True, (FewShot(*problems.LABEL_SHOT),))
    found += [score.value for score in several.evaluate(given)]
    assert found == pytest.approx(list(REFERENCE.values()), abs=1e-9)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_label_of_one_paper() -> None:
    """One fold has no paper of it to learn from. SciRepEval's solver then predicts none, which no cost changes."""
    train, train_labels, test, test_labels = problems.labels()
    train_labels = train_labels.copy()
    train_labels[1:, 3] = 0
    train_labels[0, 3] = 1
    papers, given = labelled((train, train_labels, test, test_labels))
    (score,) = Classification("task", papers, ("f1_micro",), multi_label=True).evaluate(given)

    hinge = LinearSVC(loss="hinge", fit_intercept=False, tol=1e-3, max_iter=10_000, random_state=42)
    costs = np.logspace(-2, 2, 5)
    columns = [searched(hinge, costs).fit(train, column).predict(test) for column in train_labels.T[:3]]
    lonely = train_labels[:, 3]
    right = []
    for cost in costs:
        folds = []
        for learn, left in StratifiedKFold(3).split(train, lonely):
            model = clone(hinge).set_params(C=cost)
            predicted = model.fit(train[learn], lonely[learn]).predict(train[left]) if lonely[learn].any() else 0
            folds.append(np.mean(predicted == lonely[left]))
        right.append(np.mean(folds))
    columns.append(clone(hinge).set_params(C=costs[np.argmax(right)]).fit(train, lonely).predict(test))
    assert score.value == direct("f1_micro", test_labels, np.stack(columns, axis=1))


@pytest.mark.parametrize("length", [1, 30], ids=["unit length", "as long as BERT's, where a cost of 0.001 is best"])
def test_regression(length: int) -> None:
    train, train_labels, test, test_labels = problems.numbers()
    train, test = length * train, length * test
    papers, given = labelled((train, train_labels, test, test_labels))
    found = values(Regression("task", papers, ("kendalltau", "pearsonr", "r2", "mse")).evaluate(given))

    model = searched(LinearSVR(fit_intercept=False, tol=1e-3, random_state=42), [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100])
    predicted = model.fit(train, train_labels).predict(test)
    assert found == {
        ("task", "kendalltau"): round(100 * kendalltau(test_labels, predicted)[0], 2),
        ("task", "pearsonr"): round(100 * pearsonr(test_labels, predicted)[0], 2),
        ("task", "r2"): round(100 * r2_score(test_labels, predicted), 2),
        ("task", "mse"): pytest.approx(mean_squared_error(test_labels, predicted)),
    }
    assert [task for task, _ in given.tasks] == ["regression"]
