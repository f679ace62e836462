"""SciRepEval's task configuration: one JSON object a line.

Source: https://github.com/allenai/scirepeval, evaluation/EVALUATION.md. `embeddings` (files that tasks share) is not
read: the cache does that. `type` may also be "mdcr".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.classification import Classification
from specter2_plugins.evaluation.few_shot import FewShot
from specter2_plugins.evaluation.labelled import Labelled
from specter2_plugins.evaluation.mdcr import read_judgements
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.regression import Regression
from specter2_plugins.evaluation.reviewers import ReviewerMatching
from specter2_plugins.evaluation.task import Task
from specter2_plugins.scirepeval import TITLE_AND_ABSTRACT, Document, Row, document, read_file, read_rows

_PAPERS = "evaluation"
_JUDGED = "test"


@dataclass(frozen=True)
class TaskConfig:
    """One line of the configuration, and the folder that its paths are relative to."""

    folder: Path
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The task's name."""
        return str(self.values["name"])

    @property
    def metrics(self) -> tuple[str, ...]:
        """What to compute."""
        return tuple(self.values["metrics"])

    def open(self) -> Task:
        """Read the task's data.

        Raises:
            EvaluationError: If the line or the data are not as they should be.
        """
        kind = self.values["type"]
        if kind not in _KINDS:
            raise EvaluationError(f"task {self.name!r}: unknown type {kind!r}; expected one of {', '.join(_KINDS)}")
        try:
            return _KINDS[kind](self)
        except KeyError as error:
            raise EvaluationError(f"task {self.name!r}: no {error} in its configuration or data") from None

    def rows(self, part: str, split: str, file: str) -> list[Row]:
        """Read a part of the data: "meta", "test" or "reviewers"."""
        return list(read_rows(self.values["data"][part], self.folder, split, file))

    def document(self, row: Row) -> Document:
        """The fields that the task embeds."""
        return document(row, self.values.get("fields", TITLE_AND_ABSTRACT))

    def papers(self, key: str = "doc_id") -> dict[str, Document]:
        """Id -> paper, of data that are a plain list of papers."""
        return {str(row[key]): self.document(row) for row in self.rows("meta", _PAPERS, "meta")}

    def judgements(self) -> dict[str, dict[str, int]]:
        """Query's id -> candidate's id -> score."""
        found: dict[str, dict[str, int]] = {}
        for row in self.rows("test", _JUDGED, "test_qrel"):
            found.setdefault(str(row["query_id"]), {})[str(row["cand_id"])] = int(row["score"])
        return found


def read_config(path: Path) -> list[TaskConfig]:
    """The tasks of a configuration; their data are not read yet.

    Raises:
        EvaluationError: If the file cannot be read, or a task lacks a part.
    """
    configs = [TaskConfig(path.parent, row) for row in read_file(path)]
    for number, config in enumerate(configs, start=1):
        for key in ("name", "type", "data", "metrics"):
            if key not in config.values:
                raise EvaluationError(f"{path}: task {number} has no {key!r}, which SciRepEval's tasks have")
    return configs


def _classification(config: TaskConfig) -> Task:
    return Classification(
        config.name,
        _labelled(config),
        config.metrics,
        multi_label=bool(config.values.get("multi_label")),
        few_shot=tuple(FewShot(run["sample_size"], run["iterations"]) for run in config.values.get("few_shot", ())),
    )


def _regression(config: TaskConfig) -> Task:
    return Regression(config.name, _labelled(config), config.metrics)


def _ranking(config: TaskConfig) -> Task:
    adhoc = config.values["type"] == "adhoc_search"
    if config.values["data"].get("simple_format"):
        queries = papers = config.papers()
    else:
        queries, papers = {}, {}
        for row in config.rows("meta", _PAPERS, "meta"):
            query = row["query"]
            if isinstance(query, str):
                queries[str(row["doc_id"])] = (query,)
            else:
                queries[str(query["doc_id"])] = config.document(query)
            papers.update((str(candidate["doc_id"]), config.document(candidate)) for candidate in row["candidates"])
    task = "adhoc_query" if adhoc else "proximity"
    return Ranking(config.name, queries, papers, config.judgements(), config.metrics, task, pooled=True)


def _reviewers(config: TaskConfig) -> Task:
    reviewers = {
        str(row["r_id"]): [str(paper) for paper in row["papers"]]
        for row in config.rows("reviewers", "metadata", "reviewer_metadata")
    }
    return ReviewerMatching(config.name, config.papers(), reviewers, config.judgements(), config.metrics)


def _proximity(config: TaskConfig) -> Task:
    return _reviewers(config) if "reviewers" in config.values["data"] else _ranking(config)


def _mdcr(config: TaskConfig) -> Task:
    papers = config.papers("paper_id")
    judgements = read_judgements(config.rows("test", _JUDGED, "test"))
    return Ranking(config.name, papers, papers, judgements, config.metrics, "proximity", pooled=True)


_KINDS: dict[str, Callable[[TaskConfig], Task]] = {
    "classification": _classification,
    "regression": _regression,
    "proximity": _proximity,
    "adhoc_search": _ranking,
    "mdcr": _mdcr,
}


def _labelled(config: TaskConfig) -> Labelled:
    papers = config.papers()
    parts = [_part(config, papers, split) for split in ("train", "test")]
    return Labelled(*parts[0], *parts[1])


def _part(config: TaskConfig, papers: Mapping[str, Document], split: str) -> tuple[list[Document], NDArray[Any]]:
    """Labelled papers; those without text are left out, as SciRepEval does."""
    rows = [row for row in config.rows("test", split, split) if str(row["paper_id"]) in papers]
    if not rows:
        raise EvaluationError(f"task {config.name!r}: no paper of {split!r} has text in 'meta'; do their ids agree?")
    return [papers[str(row["paper_id"])] for row in rows], np.array([_label(row["label"]) for row in rows])


def _label(value: Any) -> Any:
    """A label as it is; in CSV, numbers and lists of them are text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value
