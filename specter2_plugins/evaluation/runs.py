"""Rankings, and how they are measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.report import BM25, HYBRID, MODEL, Score
from specter2_plugins.extras import require

Judgements: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query's id -> candidate's id -> how relevant it is, 0 for not at all."""
Run: TypeAlias = dict[str, dict[str, float]]
"""Query's id -> candidate's id -> score, the higher the better."""

_RANK_CONSTANT = 60


def compare(name: str, metrics: Iterable[str], judgements: Judgements, lexical: Run, dense: Run) -> Iterator[Score]:
    """Scores of BM25, of the model and of both fused."""
    for system, run in ((BM25, lexical), (MODEL, dense), (HYBRID, fuse(lexical, dense))):
        for metric, value in measure(judgements, run, metrics).items():
            yield Score(name, metric, system, value)


def measure(judgements: Judgements, run: Run, metrics: Iterable[str]) -> dict[str, float]:
    """Metric -> its mean over the queries, in points rounded to two places, as trec_eval computes it.

    Args:
        judgements: What is relevant.
        run: The ranking. A judged query that is not in it does not count; a candidate that is not counts as missed.
        metrics: trec_eval's names, such as "map", "ndcg", "ndcg_cut_10", "P_5", "recall_5".

    Raises:
        EvaluationError: If trec_eval does not know a metric.
    """
    trec = require("pytrec_eval", "pytrec-eval-terrier", "evaluate")
    metrics = tuple(metrics)
    known = trec.supported_measures
    for metric in metrics:
        name, _, cutoff = metric.rpartition("_")
        if metric not in known and not (name in known and cutoff.isdigit()):
            raise EvaluationError(f"unknown metric {metric!r}; rankings have trec_eval's: {', '.join(sorted(known))}")
    results = trec.RelevanceEvaluator({query: dict(found) for query, found in judgements.items()}, set(metrics))
    values = list(results.evaluate(run).values())
    if not values:
        raise EvaluationError("none of the judged queries was ranked")
    return {metric: round(100 * float(np.mean([row[metric] for row in values])), 2) for metric in metrics}


def fuse(*runs: Run) -> Run:
    """Reciprocal rank fusion.

    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods" (2009), with its constant.
    """
    fused: Run = {}
    for run in runs:
        for query, found in run.items():
            scores = fused.setdefault(query, {})
            for rank, candidate in enumerate(sorted(found, key=found.__getitem__, reverse=True), start=1):
                scores[candidate] = scores.get(candidate, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return fused
