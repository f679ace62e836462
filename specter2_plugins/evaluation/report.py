"""Scores, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

MODEL = "model"
BM25 = "bm25"
HYBRID = "hybrid"
SYSTEMS = (BM25, MODEL, HYBRID)
"""Who ranked: BM25, the model, and both fused. Tasks without a ranking have the model alone."""


@dataclass(frozen=True)
class Score:
    """One number.

    Args:
        task: The task's name.
        metric: The metric's name, as the task's configuration spells it.
        system: One of `SYSTEMS`.
        value: In points of 100, as SciRepEval's (the mean squared error: as it is). Not a number where a correlation
            does not exist, as with predictions that are all alike.
    """

    task: str
    metric: str
    system: str
    value: float


@dataclass(frozen=True)
class Report:
    """All scores of an evaluation.

    Args:
        scores: In the order of the tasks.
        made_with: Task format -> the fingerprint of the model that embedded its texts.
    """

    scores: list[Score]
    made_with: dict[str, dict[str, str | int]]

    def table(self) -> str:
        """Return a Markdown table: a row for each task and metric, a column for each system."""
        systems = [system for system in SYSTEMS if any(score.system == system for score in self.scores)]
        cells = {(score.task, score.metric, score.system): f"{score.value:.2f}" for score in self.scores}
        rows = dict.fromkeys((score.task, score.metric) for score in self.scores)
        lines = [("task", "metric", *systems), ("---", "---", *["---:"] * len(systems))]
        lines += [(*row, *(cells.get((*row, system), "") for system in systems)) for row in rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it, which has null for what is not a number."""
        scores = [asdict(score) | {"value": None if isnan(score.value) else score.value} for score in self.scores]
        return {"scores": scores, "made_with": self.made_with}
