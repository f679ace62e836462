"""SPECTER2's task formats, and which adapter an input of a given task goes through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from specter2_plugins.errors import TaskError

BASE = "base"
"""The task that runs the base model with no adapter."""

Source = TypeVar("Source")


@dataclass(frozen=True)
class TaskFormat:
    """One task format of SPECTER2.

    Source: SciRepEval (Singh et al., 2023), whose control codes name the same four formats; the other names are those
    of the hub's repositories, of Sentence Transformers and of public code.
    """

    control_code: str
    purpose: str
    other_names: tuple[str, ...]


TASK_FORMATS: dict[str, TaskFormat] = {
    "proximity": TaskFormat("[PRX]", "papers as queries and as candidates; the default", ("prox", "document")),
    "adhoc_query": TaskFormat(
        "[QRY]",
        "short text queries, whose candidates are encoded with proximity",
        ("query", "adhoc", "adhocquery", "ad_hoc_query"),
    ),
    "classification": TaskFormat("[CLF]", "features for a linear classifier", ("classifier",)),
    "regression": TaskFormat("[RGN]", "features for a linear regressor", ("reg", "regressor")),
}

CONTROL_CODES = frozenset(known.control_code for known in TASK_FORMATS.values())
"""As prompts they choose the adapter, and are no text: for programs that set an instruction and know of no tasks."""

_REPOSITORIES = {"specter2": "proximity", "specter2_aug2023refresh": "proximity", "scirepeval_adapters": None}
"""What the repositories' names begin with, and the task of one that says nothing more."""

_OWNER = re.compile(r"^.*(?:/|__|--)(?=specter2|scirepeval)")


def _spelled(name: str) -> str:
    """Return a name as all its spellings have it: in small letters, without an owner, brackets, hyphens or blanks."""
    return re.sub(r"[\s_-]+", "_", _OWNER.sub("", name.strip().strip("[]").lower()))


def _spellings() -> dict[str, str]:
    named = {
        _spelled(name): task
        for task, known in TASK_FORMATS.items()
        for name in (task, known.control_code, *known.other_names)
    }
    of_repositories = {f"{repo}_{name}": task for repo in _REPOSITORIES for name, task in named.items()}
    return named | of_repositories | {repo: task for repo, task in _REPOSITORIES.items() if task is not None}


_SPELLINGS = _spellings()


def canonical(task: str) -> str:
    """Return the name of a task format that any of its spellings stands for; another name stays as it is.

    Example:
        >>> [canonical(name) for name in ("[PRX]", "allenai/specter2_adhoc_query", "query", "clf", "patents")]
        ['proximity', 'adhoc_query', 'adhoc_query', 'classification', 'patents']
    """
    return _SPELLINGS.get(_spelled(task), task)


def by_task(sources: Mapping[str, Source] | Iterable[tuple[str, Source]]) -> dict[str, Source]:
    """Return adapters by the names of their tasks, however those are spelled.

    Args:
        sources: Task -> adapter, as a mapping or as pairs.

    Raises:
        TaskError: If two are of one task, or one is called "base".
    """
    found: dict[str, Source] = {}
    for name, source in sources.items() if isinstance(sources, Mapping) else sources:
        task = canonical(name)
        if task == BASE or not task:
            raise TaskError(f"no adapter can be called {name!r}: that is the base without an adapter")
        if task in found:
            raise TaskError(f"two adapters are named for the task {task!r}: {found[task]} and {source}")
        found[task] = source
    return found


def route(task: str | None, available: Collection[str]) -> str | None:
    """Name the adapter that a task goes through, or None for the base alone.

    Args:
        task: "query" (from `encode_query`), "document" (`encode_document`), None (plain `encode`),
            "base", or the name of an adapter, in any spelling.
        available: The adapters that the model carries. A model that carries none, such as SciBERT,
            runs its base for queries and documents.

    Raises:
        TaskError: If the model carries no such adapter; the message lists those it has.
    """
    if task == BASE or (task in (None, "query", "document") and not available):
        return None
    if task in available:
        return task
    adapter = "proximity" if task is None else canonical(task)
    for name in available:
        if canonical(name) == adapter:
            return name
    known = ", ".join([*available, BASE])
    if adapter in TASK_FORMATS:
        asked = repr(task) if task == adapter else f"{task!r} (the adapter {adapter!r})"
        raise TaskError(
            f"task {asked} needs an adapter that this model was loaded without; it has: {known}. "
            f'Load it with load_specter2(..., adapters={{"{adapter}": "hub/id or folder"}})'
        )
    raise TaskError(f"unknown task {task!r}; this model knows: query, document, {known}")


def adapters_for(tasks: Iterable[str], available: Collection[str]) -> list[str]:
    """Return what texts of some tasks go through, each once; "base" for the base alone.

    Args:
        tasks: As for `route`.
        available: As for `route`.

    Raises:
        TaskError: If the model carries no such adapter.
    """
    return list(dict.fromkeys(route(task, available) or BASE for task in tasks))
