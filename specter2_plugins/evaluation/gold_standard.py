"""The gold standard of reviewer assignment: how well scores order papers by what their reviewers say they know of them.

Source: Stelmakh, Wieting, Xi, Neubig and Shah, "A Gold Standard Dataset for the Reviewer Assignment Problem"
(arXiv 2303.16750), its data set's layout and its `scoring.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from specter2_plugins.errors import EvaluationError, PaperError
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.lexical import LexicalIndex
from specter2_plugins.evaluation.report import BM25, MODEL, Score
from specter2_plugins.evaluation.task import Unread
from specter2_plugins.papers import Paper
from specter2_plugins.reviewers import Aggregation, read_reviewers, read_submissions
from specter2_plugins.scirepeval import Document

_NAME = "Gold standard of reviewers"
_SAMPLES = 1_000
_EXPERT, _LAYMAN = 4, 2

Expertise: TypeAlias = Mapping[str, Mapping[str, float]]
"""Reviewer -> paper -> what the reviewer says to know of it, 1 to 5."""


@dataclass(frozen=True)
class Draw:
    """Submissions, and some papers that each reviewer wrote, as the data set draws them ten times."""

    submissions: Sequence[Paper]
    reviewers: Mapping[str, Sequence[Paper]]


@dataclass(frozen=True)
class GoldStandard:
    """Reviewers' own word for what they know, and draws of their papers.

    Args:
        expertise: What each reviewer says.
        draws: Over which losses are averaged.
        aggregation: How the similarities of a reviewer's papers become a score.
    """

    expertise: Expertise
    draws: Sequence[Draw]
    aggregation: Aggregation = Aggregation()
    name: str = _NAME

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Yield, for BM25 and the model, the loss with its interval, and the share of easy and of hard pairs.

        The loss is of pairs of papers that a reviewer knows differently well: the difference, where the scores order
        them the other way, half of it for a tie, divided by all differences: 0 is perfect, 0.5 chance. The interval
        holds 95% of 1,000 samples of the reviewers. Easy pairs are of a paper known well (4 or 5) and one known little
        (1 or 2), hard ones of two known well; both in percent that are in order.
        """
        found = [self._scores(draw, encoder) for draw in self.draws]
        for system in (BM25, MODEL):
            judged = [[_judged(self.expertise[name], row) for name, row in scores[system].items()] for scores in found]
            yield from (Score(self.name, metric, system, value) for metric, value in _measured(np.array(judged)))

    def _scores(self, draw: Draw, encoder: Encoder) -> dict[str, dict[str, dict[str, float]]]:
        """Return system -> reviewer -> submission -> score."""
        ids = [str(paper.id) for paper in draw.submissions]
        submissions = [_document(paper) for paper in draw.submissions]
        owners = [name for name, papers in draw.reviewers.items() for _ in papers]
        papers = [_document(paper) for own in draw.reviewers.values() for paper in own]
        vectors = normalize(encoder.embed([*submissions, *papers], "proximity"))
        near = {
            MODEL: vectors[: len(ids)] @ vectors[len(ids) :].T,
            BM25: np.array(list(LexicalIndex(papers).scores(submissions))),
        }
        columns = {name: np.flatnonzero(np.array(owners) == name) for name in draw.reviewers}
        return {
            system: {
                name: dict(zip(ids, self.aggregation(similarities[:, own].astype(np.float32)).tolist(), strict=True))
                for name, own in columns.items()
            }
            for system, similarities in near.items()
        }


def read_gold_standard(folder: Path) -> Unread | None:
    """Return the task of the data set's folder, or None for another folder.

    It holds `evaluations.csv`, itself or in `data/`, and archives with submissions: `evaluation_datasets/d_20_*`, or
    its own `archives/` and `submissions.json`.
    """
    said = next(
        (file for file in (folder / "data" / "evaluations.csv", folder / "evaluations.csv") if file.is_file()), None
    )
    draws = [folder, *sorted((folder / "evaluation_datasets").glob("d_20_*"))]
    draws = [draw for draw in draws if (draw / "archives").is_dir() and (draw / "submissions.json").is_file()]
    if said is None or not draws:
        return None
    return Unread(_NAME, lambda: _read(said, draws))


def _read(said: Path, folders: Sequence[Path]) -> GoldStandard:
    try:
        return GoldStandard(expertise := _expertise(said), [_draw(folder, expertise) for folder in folders])
    except PaperError as error:
        raise EvaluationError(str(error)) from None


def _expertise(said: Path) -> dict[str, dict[str, float]]:
    """Read a row for each reviewer; the columns lie between tabs, whatever the file's name says."""
    found: dict[str, dict[str, float]] = {}
    try:
        with said.open(encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if "\t" in file.readline() else ","
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"cannot read {said}: {getattr(error, 'strerror', None) or error}") from None
    for number, row in enumerate(rows, 1):
        reviewer = row.get("ParticipantID")
        if not reviewer:
            raise EvaluationError(f"{said}: row {number} has no ParticipantID")
        papers = found.setdefault(reviewer.removeprefix("~"), {})
        for place in range(1, sum(str(column).startswith("Paper") for column in row) + 1):
            paper, level = row.get(f"Paper{place}"), row.get(f"Expertise{place}")
            if paper and level:
                papers[paper] = _level(level, f"{said}: row {number}: Expertise{place}")
    if not any(len(set(papers.values())) > 1 for papers in found.values()):
        raise EvaluationError(f"{said}: no reviewer knows two papers differently well, so there is nothing to order")
    return found


def _level(text: str, where: str) -> float:
    with suppress(ValueError):
        if np.isfinite(level := float(text)):
            return level
    raise EvaluationError(f"{where} is {text!r:.40}, no number")


def _draw(folder: Path, expertise: Expertise) -> Draw:
    submissions = read_submissions(folder / "submissions.json")
    written = {name.removeprefix("~"): papers for name, papers in read_reviewers(folder / "archives").items()}
    ids = {paper.id for paper in submissions}
    for reviewer, papers in expertise.items():
        if reviewer not in written:
            raise EvaluationError(f"{folder}: reviewer {reviewer} said what to know, and has no archive of papers")
        for paper in papers:
            if paper not in ids:
                raise EvaluationError(f"{folder}: paper {paper}, which {reviewer} knows, is no submission")
    return Draw(submissions, {reviewer: written[reviewer] for reviewer in expertise})


def _judged(expertise: Mapping[str, float], scores: Mapping[str, float]) -> tuple[float, ...]:
    """Return a reviewer's loss and its limit, and of easy and of hard pairs how many are in order and how many are."""
    loss = limit = easy_right = easy = hard_right = hard = 0.0
    for one, other in combinations(expertise, 2):
        told = expertise[one] - expertise[other]
        scored = scores[one] - scores[other]
        if not told:
            continue
        limit += abs(told)
        loss += abs(told) * (0.5 if not scored else float(scored * told < 0))
        low, high = sorted((expertise[one], expertise[other]))
        if high >= _EXPERT and low <= _LAYMAN:
            easy, easy_right = easy + 1, easy_right + (scored * told > 0)
        elif low >= _EXPERT:
            hard, hard_right = hard + 1, hard_right + (scored * told > 0)
    return loss, limit, easy_right, easy, hard_right, hard


def _measured(judged: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
    """Yield metrics of what was judged, [draws, reviewers, 6]."""
    reviewers = judged.shape[1]
    samples = np.random.default_rng(0).integers(reviewers, size=(_SAMPLES, reviewers))
    sums = judged[:, samples].sum(axis=2)  # [draws, samples, 6]
    with np.errstate(invalid="ignore"):
        yield "loss", float((judged[..., 0].sum(axis=1) / judged[..., 1].sum(axis=1)).mean())
        low, high = np.nanpercentile((sums[..., 0] / sums[..., 1]).mean(axis=0), [2.5, 97.5])
        yield "loss, 2.5%", float(low)
        yield "loss, 97.5%", float(high)
        for name, right in (("easy pairs", 2), ("hard pairs", 4)):
            yield name, float(100 * (judged[..., right].sum(axis=1) / judged[..., right + 1].sum(axis=1)).mean())


def _document(paper: Paper) -> Document:
    return (paper.title or "", paper.abstract or "")
