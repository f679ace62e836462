"""Assignments: the best sum that loads and conflicts allow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from specter2_plugins import Specter2Error
from specter2_plugins.reviewers import assign


def test_one_each_is_the_assignment_problem() -> None:
    scores = np.random.default_rng(0).random((30, 30)).astype(np.float32)
    found = assign(scores, each=1, load=1)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    assert found.scores[found.chosen].sum() == pytest.approx(scores[rows, columns].sum())


@pytest.mark.parametrize("considered", [5, 100])
def test_loads_and_conflicts_are_kept(considered: int) -> None:
    random = np.random.default_rng(1)
    scores = random.random((40, 25)).astype(np.float32)
    conflicts = random.random(scores.shape) < 0.3
    found = assign(
        scores,
        each=3,
        load=6,
        least=3,
        conflicts=conflicts,
        considered=considered,
    )
    assert (found.chosen.sum(axis=1) == 3).all()
    assert found.chosen.sum(axis=0).max() <= 6
    assert found.chosen.sum(axis=0).min() >= 3
    assert not (found.chosen & conflicts).any()
    figures = found.figures()
    assert figures["pairs"] == 120
    assert figures["mean_score"] == pytest.approx(scores[found.chosen].mean())
    assert 0 < figures["worst_submission"] <= figures["mean_submission"]


def test_where_the_best_pairs_do_not_suffice_all_are_considered() -> None:
    scores = np.tile(np.linspace(1, 0, 20, dtype=np.float32), (20, 1))  # everyone wants the same reviewers
    found = assign(scores, each=1, load=1, considered=1)
    assert (found.chosen.sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"load": 1}, "4 submissions x 3 reviewers are 12 reviews, and 5 reviewers x 1 make 5"),
        ({"load": 9, "least": 8}, "5 reviewers x 8 are 40 reviews, and there are 12"),
        ({"load": 1, "least": 2}, "loads of 2 to 1"),
        ({"load": 5, "conflicts": np.eye(4, 5) == 0}, "4 submissions have fewer than 3 .* is number 1"),
    ],
)
def test_what_is_short_is_named(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(Specter2Error, match=problem):
        assign(np.ones((4, 5), np.float32), **settings)  # type: ignore[arg-type]


def test_conflicts_that_leave_no_assignment() -> None:
    conflicts = np.ones((2, 4), bool)
    conflicts[:, :2] = False  # both submissions can have the first two alone
    with pytest.raises(Specter2Error, match="allow larger loads"):
        assign(np.ones((2, 4), np.float32), each=2, load=1, conflicts=conflicts)
