"""Scores of people and submissions, beside plain loops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from specter2_plugins import Paper, Specter2, Specter2Error
from specter2_plugins.reviewers import Affinities, Aggregation, affinities


class Fixed:
    """A model whose vectors are drawn once for each title."""

    def __init__(self, dimensions: int = 16) -> None:
        self.drawn: dict[str, np.ndarray] = {}
        self.embedded = 0
        self._random = np.random.default_rng(0)
        self._dimensions = dimensions

    def encode_document(self, papers: list[Paper], **settings: Any) -> np.ndarray:
        self.embedded += len(papers)
        settings["on_pass"](len(papers), 0)
        return np.stack([self.vector(paper.title or "") for paper in papers])

    def vector(self, title: str) -> np.ndarray:
        if title not in self.drawn:
            self.drawn[title] = self._random.normal(size=self._dimensions).astype(np.float32)
        return self.drawn[title]


def people(count: int, seed: int = 0) -> dict[str, list[Paper]]:
    random = np.random.default_rng(seed)
    return {
        f"~Person_{number}": [
            Paper(f"title {title}", metadata={"year": int(random.integers(1990, 2020))})
            for title in random.choice(200, size=random.integers(1, 9), replace=False)
        ]
        for number in range(count)
    }


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize(
    ("aggregation", "reference"),
    [
        (Aggregation(), lambda near: np.mean(sorted(near)[-3:])),
        (Aggregation(best=1), max),
        (Aggregation(best=None), np.mean),
        (Aggregation(percentile=75), lambda near: np.percentile(near, 75)),
    ],
)
def test_scores_are_those_of_plain_loops(
    aggregation: Aggregation, reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(affinities, "_AT_ONCE", 2_000)  # several blocks
    model: Any = Fixed()
    reviewers = people(60)
    submissions = [Paper(f"submission {number}", id=str(number)) for number in range(40)]
    found = Affinities(model, reviewers, aggregation)
    assert model.embedded == len({paper.title for papers in reviewers.values() for paper in papers}), "each once"
    scores = found.scores(submissions)
    expected = [
        [
            reference([(1 + cosine(model.vector(s.title), model.vector(p.title))) / 2 for p in reviewers[name]])
            for name in found.names
        ]
        for s in submissions
    ]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert len(list(found.blocks(submissions))) > 1


def test_old_papers_count_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = Fixed()
    papers = [Paper("new", metadata={"year": 2020}), Paper("old", metadata={"year": 2010}), Paper("undated")]
    found = Affinities(model, {"a": papers}, Aggregation(best=None), half_life=5)
    (score,) = found.scores([Paper("submission", id="s")])[0]
    near = [(1 + cosine(model.vector("submission"), model.vector(str(paper.title)))) / 2 for paper in papers]
    assert score == pytest.approx(np.average(near, weights=[1, 0.25, 0.25]), abs=1e-6)
    ancient = {"b": [Paper("x", metadata={"year": 1500})], "a": papers}
    assert np.isfinite(Affinities(model, ancient, half_life=0.1).scores([Paper("submission", id="s")])).all()


def test_words_have_their_share() -> None:
    model: Any = Fixed()
    reviewers = {"words": [Paper("Soil water under irrigation")], "none": [Paper("Quantum chemistry")]}
    submission = Paper("Irrigation and soil water", id="s")
    words = Affinities(model, reviewers, lexical=1.0).scores([submission])[0]
    assert words[0] > 0.9
    assert words[1] == 0
    half = Affinities(model, reviewers, lexical=0.5).scores([submission])[0]
    meaning = Affinities(model, reviewers).scores([submission])[0]
    np.testing.assert_allclose(half, (words + meaning) / 2, atol=1e-6)


def test_a_real_model(mini: Specter2) -> None:
    reviewers = {
        "index": [Paper("Inverted index compression")],
        "soil": [Paper("Soil water"), Paper("Drip irrigation")],
    }
    scores = Affinities(mini, reviewers).scores([Paper("Compressing postings lists of inverted indexes", id="s")])
    assert scores.shape == (1, 2)
    assert 1 >= scores[0, 0] > scores[0, 1] >= 0


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"lexical": 1.5}, "lexical is 1.5"),
        ({"half_life": 0}, "half_life is 0"),
        ({"half_life": float("nan")}, "half_life is nan"),
        ({"half_life": 3, "aggregation": Aggregation(percentile=50)}, "a percentile is none"),
        ({"reviewers": {"a": []}}, "each reviewer needs a paper"),
        ({"reviewers": {}}, "each reviewer needs a paper"),
        ({"lexical": 0.5, "reviewers": {"a": [Paper("the")]}}, "hold no words"),
    ],
)
def test_what_cannot_be_is_said(settings: dict[str, Any], problem: str) -> None:
    model: Any = Fixed()
    with pytest.raises(Specter2Error, match=problem):
        Affinities(model, **({"reviewers": people(2)} | settings))


def test_no_submissions() -> None:
    model: Any = SimpleNamespace(encode_document=lambda papers, **settings: np.empty((len(papers), 4), np.float32))
    assert Affinities(model, {"a": [Paper("x")]}).scores([]).shape == (0, 1)


def test_an_aggregation_out_of_range() -> None:
    for wrong in ({"best": 0}, {"percentile": 101.0}):
        with pytest.raises(Specter2Error, match="expected"):
            Aggregation(**wrong)  # type: ignore[arg-type]
