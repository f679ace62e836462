"""Paths -> tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.beir import read_beir
from specter2_plugins.evaluation.cacm_cisi import read_smart
from specter2_plugins.evaluation.gold_standard import read_gold_standard
from specter2_plugins.evaluation.kinds import read_config, read_text_classification
from specter2_plugins.evaluation.task import Task, Unread

_FOLDERS: tuple[Callable[[Path], Unread | None], ...] = (
    read_beir,
    read_smart,
    read_gold_standard,
    read_text_classification,
)


def read_tasks(*paths: str | Path, names: Collection[str] | None = None) -> Iterator[Task]:
    """Find the tasks of paths at once, and read their data one after the other.

    Example:
        >>> [task.name for task in read_tasks("beir/scifact", "cacm")]
        ['scifact', 'CACM']

    Args:
        *paths: SciRepEval's task configurations (.jsonl), BEIR folders, CACM's or CISI's, the gold standard of
            reviewer assignment, folders of SciBERT's {"text": ..., "label": ...} lines.
        names: Which tasks. Default: all.

    Raises:
        EvaluationError: If a path is none of those or holds no task, two tasks have one name, or none has a name that
            was asked for.
    """
    found: dict[str, Unread] = {}
    for path in map(Path, paths):
        for task in _find(path):
            if task.name in found:
                raise EvaluationError(f"{path}: there is a task {task.name!r} already")
            found[task.name] = task
    if not found:
        raise EvaluationError(f"there is no task in {', '.join(map(str, paths))}")
    for name in names or ():
        if name not in found:
            raise EvaluationError(f"there is no task {name!r}, but: {', '.join(found)}")
    return (_read(task) for name, task in found.items() if names is None or name in names)


def _find(path: Path) -> list[Unread]:
    if path.is_file():
        return read_config(path)
    if not path.exists():
        raise EvaluationError(f"{path} does not exist")
    for find in _FOLDERS:
        if (task := find(path)) is not None:
            return [task]
    raise EvaluationError(
        f"{path} is no task configuration (.jsonl), no BEIR folder (corpus.jsonl, queries.jsonl, qrels/), no folder of "
        "{text, label} lines (train.txt or .jsonl, test.txt or .jsonl), no gold standard of reviewers "
        "(evaluations.csv, archives/, submissions.json), and holds neither CACM nor CISI"
    )


def _read(task: Unread) -> Task:
    try:
        return task.read()
    except EvaluationError as error:
        raise EvaluationError(f"task {task.name!r}: {error}") from None
