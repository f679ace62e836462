"""SciRepEval's kinds of tasks: what each reads, and how it is measured.

`type` may also be "mdcr", and a classification without "meta" has its texts in the labelled records, as SciBERT's
{"text": ..., "label": ...} lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation import classification, regression, runs
from specter2_plugins.evaluation.classification import Classification
from specter2_plugins.evaluation.labelled import Labelled, classes, indicators, numbers
from specter2_plugins.evaluation.mdcr import read_mdcr
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.regression import Regression
from specter2_plugins.evaluation.reviewers import ReviewerMatching
from specter2_plugins.evaluation.task import Task, Unread
from specter2_plugins.evaluation.task_config import TaskConfig
from specter2_plugins.scirepeval import Document, find_file, plain_text, read_file

_TEXT_METRICS = ("f1_macro", "f1_micro")


def read_config(path: Path) -> list[Unread]:
    """Return the tasks of a configuration; their data are not read yet.

    Raises:
        EvaluationError: If the file cannot be read, or a task is not as SciRepEval's are.
    """
    tasks = []
    for number, row in enumerate(read_file(path), start=1):
        try:
            tasks.append(_unread(TaskConfig.parse(row, path.parent)))
        except EvaluationError as error:
            raise EvaluationError(f"{path}: task {number}: {error}") from None
    return tasks


def read_text_classification(folder: Path) -> Unread | None:
    """Return the task of a folder of SciBERT's {"text": ..., "label": ...} lines, or None for another folder."""
    try:
        first = next(read_file(find_file(folder, "train")), {})
    except EvaluationError:
        return None
    if "text" not in first or "label" not in first:
        return None
    name = folder.resolve().name
    return _unread(TaskConfig(folder.parent, name, "classification", {"test": folder.name}, _TEXT_METRICS))


def _unread(config: TaskConfig) -> Unread:
    if config.kind not in _KINDS:
        raise EvaluationError(f"unknown type {config.kind!r}; expected one of {', '.join(_KINDS)}")
    kind = _KINDS[config.kind]
    kind.check_metrics(config.metrics)
    return Unread(config.name, lambda: kind.read(config))


def _classification(config: TaskConfig) -> Task:
    labelled = _labelled(config, indicators if config.multi_label else classes)
    return Classification(config.name, labelled, config.metrics, config.multi_label, config.few_shot)


def _regression(config: TaskConfig) -> Task:
    return Regression(config.name, _labelled(config, numbers), config.metrics)


def _labelled(config: TaskConfig, labels: Callable[[Sequence[Any]], NDArray[Any]]) -> Labelled:
    """Return labelled papers; those that are not among the papers are left out, as SciRepEval does."""
    config.require_folder("test", "train", "test")
    papers = config.papers() if "meta" in config.data else None
    parts: list[list[Document]] = []
    values: list[Any] = []
    for split in ("train", "test"):
        parts.append([])
        for row in config.rows("test", split, split, "text" if papers is None else "paper_id", "label"):
            paper = (plain_text(row, "text"),) if papers is None else papers.get(str(row["paper_id"]))
            if paper is not None:
                parts[-1].append(paper)
                values.append(row["label"])
        if not parts[-1]:
            where = "there" if papers is None else "among the papers of 'meta'; do the ids agree?"
            raise EvaluationError(f"none of its {split} data is {where}")
    read, count = labels(values), len(parts[0])
    return Labelled(parts[0], read[:count], parts[1], read[count:])


def _proximity(config: TaskConfig) -> Task:
    if "reviewers" not in config.data:
        return _ranking(config, "proximity")
    rows = config.rows("reviewers", "metadata", "reviewer_metadata", "r_id", "papers")
    reviewers: dict[str, list[str]] = {}
    for row in rows:
        if not isinstance(row["papers"], list):
            raise EvaluationError(f"the papers of reviewer {row['r_id']!r} are no list")
        reviewers[str(row["r_id"])] = [str(paper) for paper in row["papers"]]
    return ReviewerMatching(config.name, config.papers(), reviewers, config.judgements(), config.metrics)


def _adhoc_search(config: TaskConfig) -> Task:
    return _ranking(config, "adhoc_query")


def _ranking(config: TaskConfig, query_task: str) -> Task:
    queries, papers = (config.papers(),) * 2 if config.data.get("simple_format") else config.searches()
    if query_task == "proximity":  # SciRepEval finds either among all papers
        queries = papers = {**papers, **queries}
    return Ranking(config.name, queries, papers, config.judgements(), config.metrics, query_task, pooled=True)


def _mdcr(config: TaskConfig) -> Task:
    return read_mdcr(config.name, config.rows("test", "test", "test"), config.papers("paper_id"), config.metrics)


@dataclass(frozen=True)
class _Kind:
    read: Callable[[TaskConfig], Task]
    check_metrics: Callable[[Iterable[str]], None]


_KINDS = {
    "classification": _Kind(_classification, classification.check_metrics),
    "regression": _Kind(_regression, regression.check_metrics),
    "proximity": _Kind(_proximity, runs.check_metrics),
    "adhoc_search": _Kind(_adhoc_search, runs.check_metrics),
    "mdcr": _Kind(_mdcr, runs.check_metrics),
}
