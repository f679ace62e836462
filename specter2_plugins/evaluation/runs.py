"""Rankings, and how they are measured."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

import pytrec_eval

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.report import BM25, HYBRID, MODEL, Score

Judgements: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query's id -> candidate's id -> how relevant it is, 0 for not at all."""
Run: TypeAlias = dict[str, dict[str, float]]
"""Query's id -> candidate's id -> score, the higher the better."""
Measured: TypeAlias = dict[tuple[str, str], float]
"""(metric, system) -> points of 100."""

_RANK_CONSTANT = 60
_ZERO = re.compile(r"^(?!iprec_at_recall|Rprec_mult).*[_,]0+(\D|$)")


def judged(judgements: Judgements, queries: Collection[str], candidates: Collection[str]) -> list[str]:
    """Return the queries that there are judgements of.

    Raises:
        EvaluationError: If there is none, or if none of their candidates is there.
    """
    found = [query for query in judgements if query in queries]
    if not found:
        raise EvaluationError(f"of {len(judgements)} judged queries none is there; do the ids agree?")
    if not any(candidate in candidates for query in found for candidate in judgements[query]):
        raise EvaluationError("none of the candidates that were judged is there; do the ids agree?")
    return found


def compare(metrics: Iterable[str], judgements: Judgements, lexical: Run, dense: Run) -> Measured:
    """Measure BM25, the model, and both fused."""
    runs = {BM25: lexical, MODEL: dense, HYBRID: fuse(lexical, dense)}
    return {
        (metric, system): value
        for system, run in runs.items()
        for metric, value in measure(judgements, run, metrics).items()
    }


def scores(task: str, measured: Measured) -> Iterator[Score]:
    """Yield what was measured, rounded to two places as SciRepEval's numbers are."""
    for (metric, system), value in measured.items():
        yield Score(task, metric, system, round(value, 2))


def measure(judgements: Judgements, run: Run, metrics: Iterable[str]) -> dict[str, float]:
    """Return metric -> its mean over the queries, in points, as trec_eval computes it.

    Args:
        judgements: What is relevant.
        run: The ranking. A judged query that is not in it does not count; one for which nothing was found counts as
            zero, and a candidate that was not found as missed.
        metrics: trec_eval's names, such as "map", "ndcg", "ndcg_cut_10", "P_5", "recall_5".
    """
    metrics = tuple(metrics)
    # trec_eval may never end where a query has nothing but scores below zero.
    relevant = {
        query: dict(found) if max(found.values(), default=0) >= 0 else dict.fromkeys(found, 0)
        for query, found in judgements.items()
    }
    evaluator = pytrec_eval.RelevanceEvaluator(relevant, {*metrics})
    values = list(evaluator.evaluate(run).values())
    return {
        metric: 100 * pytrec_eval.compute_aggregated_measure(metric, [row[metric] for row in values])
        for metric in metrics
    }


def check_metrics(metrics: Iterable[str]) -> None:
    """Refuse what trec_eval does not compute.

    Raises:
        EvaluationError: The message lists what it has.
    """
    for metric in metrics:
        try:
            # trec_eval aborts the process at a cutoff of 0.
            known = (
                not _ZERO.search(metric)
                and metric in pytrec_eval.RelevanceEvaluator({"q": {"d": 1}}, {metric}).evaluate({"q": {"d": 1.0}})["q"]
            )
        except ValueError:
            known = False
        if not known:
            names = ", ".join(sorted(pytrec_eval.supported_measures))
            raise EvaluationError(
                f"unknown metric {metric!r}; rankings have trec_eval's, with a cutoff as in ndcg_cut_10 or P_5: {names}"
            )


def fuse(*runs: Run) -> Run:
    """Return reciprocal rank fusion; equal scores are ordered by id, as trec_eval orders them.

    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods" (2009), with its constant.
    """
    fused: Run = {}
    for run in runs:
        for query, found in run.items():
            ranked = sorted(found.items(), key=lambda one: (one[1], one[0]), reverse=True)
            points = fused.setdefault(query, {})
            for rank, (candidate, _) in enumerate(ranked, start=1):
                points[candidate] = points.get(candidate, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return fused
