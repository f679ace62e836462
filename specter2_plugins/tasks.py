"""SPECTER2's task formats, and which adapter an input of a given task goes through."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from specter2_plugins.errors import TaskError

BASE = "base"
"""The task that runs the base model with no adapter."""


@dataclass(frozen=True)
class TaskFormat:
    """One task format of SPECTER2.

    Source: SciRepEval (Singh et al., 2023), whose control codes name the same four formats.
    """

    control_code: str
    purpose: str


TASK_FORMATS: dict[str, TaskFormat] = {
    "proximity": TaskFormat("[PRX]", "papers as queries and as candidates; the default"),
    "adhoc_query": TaskFormat("[QRY]", "short text queries, whose candidates are encoded with proximity"),
    "classification": TaskFormat("[CLF]", "features for a linear classifier"),
    "regression": TaskFormat("[RGN]", "features for a linear regressor"),
}

_ROUTES: dict[str | None, str] = {None: "proximity", "document": "proximity", "query": "adhoc_query"}


def route(task: str | None, available: Collection[str]) -> str | None:
    """Name the adapter that a task goes through, or None for the base alone.

    Args:
        task: "query" (from `encode_query`), "document" (`encode_document`), None (plain `encode`),
            "base", or the name of an adapter.
        available: The adapters that the model carries. A model that carries none, such as SciBERT,
            runs its base for queries and documents.

    Raises:
        TaskError: If the model carries no such adapter; the message lists those it has.
    """
    if task == BASE or (task in _ROUTES and not available):
        return None
    adapter = _ROUTES.get(task, task)
    if adapter in available:
        return adapter
    known = ", ".join([*available, BASE])
    if adapter in TASK_FORMATS:
        asked = repr(task) if task == adapter else f"{task!r} (the adapter {adapter!r})"
        raise TaskError(
            f"task {asked} needs an adapter that this model was loaded without; it has: {known}. "
            f'Load it with load_specter2(..., adapters={{"{adapter}": "hub/id or folder"}})'
        )
    raise TaskError(f"unknown task {task!r}; this model knows: query, document, {known}")


def adapters_for(tasks: Iterable[str], available: Collection[str]) -> list[str]:
    """What texts of some tasks go through, each once; "base" for the base alone.

    Args:
        tasks: As for `route`.
        available: As for `route`.

    Raises:
        TaskError: If the model carries no such adapter.
    """
    return list(dict.fromkeys(route(task, available) or BASE for task in tasks))
