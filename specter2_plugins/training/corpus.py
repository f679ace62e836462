"""All papers of a task, and its queries' answers as their numbers."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from datasets import Dataset

from specter2_plugins.errors import TrainingError
from specter2_plugins.training.examples import ANCHOR, LABEL, OTHERS, POSITIVES, RECORD
from specter2_plugins.training.tasks import Split

logger = logging.getLogger(__name__)

NONE = -1
"""Fills up the answers of a query that has fewer than another."""


def number_papers(task: str, examples: Mapping[Split, Dataset]) -> tuple[list[str], dict[Split, Dataset]]:
    """Number the papers of a task.

    Args:
        task: Its name.
        examples: By split, with the columns `anchor`, `positives`, `others` and `record`.

    Returns:
        The papers' texts, each once, and the examples with the columns `anchor`, `record` and `label`: the numbers of
        the papers that answer it, filled up with `NONE`. Searches without a query or an answer are left out, not their
        papers.

    Raises:
        TrainingError: If no search of a split is left.
    """
    numbers: dict[str, int] = {}
    for dataset in examples.values():
        for row in dataset:
            for text in (*row[POSITIVES], *row[OTHERS]):
                numbers.setdefault(text, len(numbers))
    return list(numbers), {split: _labelled(task, split, dataset, numbers) for split, dataset in examples.items()}


def _labelled(task: str, split: Split, dataset: Dataset, numbers: Mapping[str, int]) -> Dataset:
    rows = [(row[ANCHOR], sorted({numbers[text] for text in row[POSITIVES]}), row[RECORD]) for row in dataset]
    answered = [(anchor, answers, record) for anchor, answers, record in rows if anchor and answers]
    if not answered:
        raise TrainingError(f"task {task!r}: no search of its {split} data has an answer")
    if len(answered) < len(rows):
        left_out = len(rows) - len(answered)
        logger.warning("task %r: %d of its %s searches have no query or no answer; left out", task, left_out, split)
    anchors, answers, records = zip(*answered, strict=True)
    most = max(map(len, answers))
    labels = [[*some, *[NONE] * (most - len(some))] for some in answers]
    return Dataset.from_dict({ANCHOR: anchors, LABEL: labels, RECORD: records})
