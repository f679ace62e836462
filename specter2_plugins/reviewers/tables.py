"""Scores as files: CSV as OpenReview writes it, or a matrix as Parquet."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specter2_plugins.extras import require
from specter2_plugins.reviewers.aggregation import Floats
from specter2_plugins.reviewers.conflicts import Pairs
from specter2_plugins.writers.files import writing

_DIGITS = 6
Blocks = Iterable[tuple[slice, Floats]]


def write_pairs(
    path: Path,
    blocks: Blocks,
    submissions: Sequence[str],
    reviewers: Sequence[str],
    *,
    top: int | None = None,
    conflicts: Pairs | None = None,
) -> int:
    """Write `submission,reviewer,score` lines, by submission and then by score, without a header as OpenReview has it.

    Args:
        path: Where to.
        blocks: Submissions as a slice, and their scores; NaN is no pair.
        submissions: Their ids.
        reviewers: Their names.
        top: Only the best so many reviewers of each submission. Default: all.
        conflicts: With them comes a header and a fourth column, `conflict`: why, or nothing. They are beside the `top`,
            not among them.

    Returns:
        How many lines.
    """
    column = {reviewer: number for number, reviewer in enumerate(reviewers)}
    reasons: dict[str, dict[int, str]] = defaultdict(dict)
    for (submission, reviewer), why in (conflicts or {}).items():
        if reviewer in column:
            reasons[submission][column[reviewer]] = why
    lines = 0
    with writing(path) as file:
        rows = csv.writer(file, lineterminator="\n")
        if conflicts is not None:
            rows.writerow(["submission", "reviewer", "score", "conflict"])
        for part, scores in blocks:
            for submission, row in zip(submissions[part], scores, strict=True):
                marked = reasons.get(submission, {})
                for person in _listed(row, top, marked):
                    cells = [submission, reviewers[person], f"{row[person]:.{_DIGITS}f}"]
                    rows.writerow(cells if conflicts is None else [*cells, marked.get(person, "")])
                    lines += 1
    return lines


def _listed(row: Floats, top: int | None, marked: Mapping[int, str]) -> list[int]:
    order = [int(person) for person in np.argsort(-row, kind="stable") if not np.isnan(row[person])]
    if top is None:
        return order
    free = [person for person in order[: top + len(marked)] if person not in marked][:top]
    return sorted([*free, *marked], key=lambda person: -row[person])


def write_matrix(path: Path, blocks: Blocks, submissions: Sequence[str], reviewers: Sequence[str]) -> int:
    """Write a matrix as Parquet: a column `submission`, and one of scores in float32 for each reviewer.

    Returns:
        How many scores.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """
    arrow = require("pyarrow", "pyarrow", "parquet")
    parquet: Any = require("pyarrow.parquet", "pyarrow", "parquet")
    schema = arrow.schema(
        [("submission", arrow.string()), *((reviewer, arrow.float32()) for reviewer in reviewers)],
    )
    with writing(path, "wb") as file, parquet.ParquetWriter(file, schema) as writer:
        for part, scores in blocks:
            columns: Mapping[str, Any] = {
                "submission": list(submissions[part]),
                **dict(zip(reviewers, np.ascontiguousarray(scores.T), strict=True)),
            }
            writer.write_table(arrow.table(columns, schema=schema))
    return len(submissions) * len(reviewers)
