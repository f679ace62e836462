"""MDCR: citation recommendation within fields, as lines of {field: {query: {"true" or a model: [candidates]}}}.

Source: Medic and Snajder, "Large-scale Evaluation of Transformer-based Article Encoders on the Task of Citation
Recommendation" (2022), in the form that SciRepEval's repository reads. Its metrics are "map" and "recall_5".
"""

from __future__ import annotations

from collections.abc import Iterable

from specter2_plugins.scirepeval import Row

_CITED = "true"


def read_judgements(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Query's id -> candidate's id -> 1 if the query cites it, 0 if a model proposed it."""
    judgements: dict[str, dict[str, int]] = {}
    for row in rows:
        for queries in row.values():
            for query, pools in queries.items():
                proposed = {str(paper): 0 for pool in pools.values() for paper in pool}
                judgements[str(query)] = proposed | {str(paper): 1 for paper in pools[_CITED]}
    return judgements
