"""Where adapters lie in folders: under `adapters/`, as this package writes them, or beside a base."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from specter2_plugins.checkpoints.caches import repository_of, snapshots
from specter2_plugins.checkpoints.families import Family, plain_name
from specter2_plugins.errors import CheckpointError, TaskError
from specter2_plugins.tasks import TASK_FORMATS, by_task

ADAPTERS_FOLDER = "adapters"
ADAPTER_CONFIG = "adapter_config.json"


def adapters_in(folder: Path) -> dict[str, str]:
    """Return the adapters under `adapters/` of a folder: task -> folder, SPECTER2's tasks first.

    Raises:
        CheckpointError: If two are of one task.
    """
    return _by_task(folder, ((path.name, path) for path in sorted((folder / ADAPTERS_FOLDER).glob("*"))))


def adapters_beside(base: Path, family: Family | None) -> dict[str, str]:
    """Return the adapters that lie beside a base: task -> folder.

    That is under `adapters/` of the folder above, or in folders named after the repositories of the base's family, as
    `allenai__specter2` beside `allenai__specter2_base`, and `specter2` beside `specter2_base`.

    Raises:
        CheckpointError: If two are of one task.
    """
    above = base.absolute().parent
    if family is None and base.absolute().name != "base":
        return {}
    if found := adapters_in(above):
        return found
    tasks = {
        plain_name(name): task
        for task, repo in (family.adapters if family else {}).items()
        for name in (repo, repo.rpartition("/")[2])
    }
    folders = ((plain_name(path.name), path) for path in sorted(above.glob("*")))
    return _by_task(above, ((tasks[name], path) for name, path in folders if name in tasks))


def the_snapshot(folder: Path) -> Path:
    """Return the snapshot that a folder `models--org--name` of a cache stands for; others as they are."""
    return next(iter(snapshots(folder)), folder) if repository_of(folder) is not None else folder


def _by_task(folder: Path, found: Iterable[tuple[str, Path]]) -> dict[str, str]:
    places = ((name, the_snapshot(path)) for name, path in found if path.is_dir())
    try:
        named = by_task((name, str(place)) for name, place in places if (place / ADAPTER_CONFIG).is_file())
    except TaskError as error:
        raise CheckpointError(f"{folder}: {error}; take one away, or say adapters={{...}}") from None
    known = list(TASK_FORMATS)
    order = sorted(named, key=lambda task: (known.index(task) if task in known else len(known), task))
    return {task: named[task] for task in order}
