"""Makes reference.json: what SciRepEval's evaluator measures, with the solver it uses, on the data of `problems.py`.

Classification alone: docs/evaluation.md says what that solver's regression lacks.

That solver, sklearn-contrib-lightning 0.6.2, has no wheels for Python 3.11, so this runs apart from the tests:
    python3.10 -m venv reference
    reference/bin/pip install "numpy<1.24" "scikit-learn==1.1.3" "scipy<1.11" sklearn-contrib-lightning==0.6.2.post0
    PYTHONPATH=. reference/bin/python tests/evaluation/data/make_reference.py
"""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from lightning.classification import LinearSVC
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier

from tests.evaluation.data.problems import FEW_SHOT, LABEL_SHOT, classes, labels

SEED = 42


def one_class(train: Any, train_labels: Any, test: Any, search: bool = True) -> Any:
    model = LinearSVC(loss="squared_hinge", random_state=SEED)
    if search:
        model = GridSearchCV(model, {"C": np.logspace(-2, 2, 5)}, cv=3)
    return model.fit(train, train_labels).predict(test)


def several_labels(train: Any, train_labels: Any, test: Any) -> Any:
    search = GridSearchCV(LinearSVC(max_iter=10000), {"C": np.logspace(-2, 2, 5)}, cv=3)
    return OneVsRestClassifier(search).fit(train, train_labels).predict(test)


def few_shot(train: Any, train_labels: Any, test: Any, size: int, iterations: int) -> list[Any]:
    folds = StratifiedKFold(ceil(len(train) / size)).split(train, train_labels)
    samples = [sample for _, sample in folds][:iterations]
    return [one_class(train[sample], train_labels[sample], test, search=False) for sample in samples]


def label_shot(train: Any, train_labels: Any, test: Any, size: int, iterations: int) -> list[Any]:
    predictions = []
    for iteration in range(iterations):
        np.random.seed(SEED + iteration)  # noqa: NPY002
        chosen: set[int] = set()
        for column in train_labels.T:
            papers = np.where(column == 1)[0]
            chosen.update(np.random.choice(papers, size, replace=False).tolist())  # noqa: NPY002
        sample = list(chosen)
        predictions.append(several_labels(train[sample], train_labels[sample], test))
    return predictions


def f1(split: Any, predictions: list[Any]) -> float:
    return float(np.mean([np.round(100 * f1_score(split[3], made, average="macro"), 2) for made in predictions]))


def main() -> None:
    found: dict[str, float] = {}
    split = classes()
    found["f1_macro"] = f1(split, [one_class(*split[:3])])
    found["f1_macro, few shot"] = f1(split, few_shot(*split[:3], *FEW_SHOT))
    split = labels()
    found["f1_macro, labels"] = f1(split, [several_labels(*split[:3])])
    found["f1_macro, labels, few shot"] = f1(split, label_shot(*split[:3], *LABEL_SHOT))
    Path(__file__).with_name("reference.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
