"""All papers of a task, and its queries' answers as their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Dataset

from specter2_plugins.training.examples import ANCHOR, OTHERS, POSITIVES
from specter2_plugins.training.tasks import Split

LABEL = "label"
NONE = -1
"""Fills up the answers of a query that has fewer than another."""


def number_papers(examples: Mapping[Split, Dataset]) -> tuple[list[str], dict[Split, Dataset]]:
    """Number the papers of a task.

    Args:
        examples: By split, with the columns `anchor`, `positives` and `others`.

    Returns:
        The papers' texts, each once, and the examples with the columns `anchor` and `label`: the numbers of the papers
        that answer it, filled up with `NONE`.
    """
    numbers: dict[str, int] = {}
    for dataset in examples.values():
        for row in dataset:
            for text in (*row[POSITIVES], *row[OTHERS]):
                numbers.setdefault(text, len(numbers))
    return list(numbers), {split: _labelled(dataset, numbers) for split, dataset in examples.items()}


def _labelled(dataset: Dataset, numbers: Mapping[str, int]) -> Dataset:
    answers = [sorted({numbers[text] for text in texts}) for texts in dataset[POSITIVES]]
    most = max(map(len, answers))
    labels: list[Any] = [[*found, *[NONE] * (most - len(found))] for found in answers]
    return dataset.select_columns([ANCHOR]).add_column(LABEL, labels)
