"""Paths -> tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.beir import is_beir, read_beir
from specter2_plugins.evaluation.scirepeval import read_config
from specter2_plugins.evaluation.smart import is_smart, read_smart
from specter2_plugins.evaluation.task import Task

_FOLDERS = ((is_beir, read_beir), (is_smart, read_smart))


def read_tasks(path: str | Path, names: Collection[str] | None = None) -> Iterator[Task]:
    """Open the tasks of a path, one after the other.

    Args:
        path: SciRepEval's task configuration (.jsonl), a BEIR folder, or CACM's or CISI's.
        names: Which tasks of a configuration. Default: all.

    Raises:
        EvaluationError: If the path is none of those, or has no such task.
    """
    path = Path(path)
    if path.is_file():
        configs = read_config(path)
        known = [config.name for config in configs]
        for name in names or ():
            if name not in known:
                raise EvaluationError(f"{path} has no task {name!r}; it has: {', '.join(known)}")
        return (config.open() for config in configs if names is None or config.name in names)
    for matches, read in _FOLDERS:
        if matches(path):
            return iter([read(path)])
    raise EvaluationError(
        f"{path} is no task configuration (.jsonl), no BEIR folder (corpus.jsonl, queries.jsonl, qrels/), "
        "and holds neither CACM nor CISI"
    )
