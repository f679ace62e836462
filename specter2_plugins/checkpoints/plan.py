"""What is going to be loaded: the base's folder and each adapter's, found before anything is read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from specter2_plugins.checkpoints.caches import cached, repository_of
from specter2_plugins.checkpoints.families import MINI, Family, adapter_owners, families
from specter2_plugins.checkpoints.hub import Hub, NotAvailableError
from specter2_plugins.checkpoints.identity import adapter_name, owner_of_adapter
from specter2_plugins.checkpoints.layouts import the_snapshot
from specter2_plugins.checkpoints.resolve import Checkpoint, resolve
from specter2_plugins.checkpoints.saved import SavedModule, is_complete, saved_modules
from specter2_plugins.errors import CheckpointError
from specter2_plugins.tasks import TASK_FORMATS, by_task, canonical

logger = logging.getLogger(__name__)

Adapters = Mapping[str, str | Path] | str | None
"""Task -> hub name or folder; {} for none; a family's name for those of that family; None for the base's own."""

_BARE = "adapters={} (--adapter none) loads the base alone"
_OFFLINE = f"The model {MINI!r} (--model {MINI}) needs no hub; it is not SPECTER2"


@dataclass(frozen=True)
class Plan:
    """A base and its adapters, on this machine.

    Args:
        checkpoint: What is known of the base.
        base: Its folder.
        saved: The modules in it, if Sentence Transformers wrote it.
        adapters: Task -> folder.
        sources: Task -> the hub name or folder that it was asked for by.
        missing: Task -> hub name of what could not be had.
    """

    checkpoint: Checkpoint
    base: Path
    saved: tuple[SavedModule, ...] = ()
    adapters: Mapping[str, Path] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def plan(name_or_path: str | Path, adapters: Adapters = None, hub: Hub = Hub()) -> Plan:
    """Find the base and the adapters of a model, and fetch what is not on this machine.

    Where the base's own adapters cannot all be had, those that can are taken, and a warning names the rest.

    Args:
        name_or_path: As for `load_specter2`.
        adapters: As for `load_specter2`.
        hub: How to reach the hub.

    Raises:
        CheckpointError: If the base, an adapter that was asked for, or every adapter of a family cannot be had; or if
            the base needs adapters that nothing tells.
    """
    checkpoint = resolve(name_or_path)
    hub = hub.pinned(checkpoint.base)
    base = Path(checkpoint.base) if Path(checkpoint.base).is_dir() else _fetched_base(checkpoint.base, hub)
    saved = tuple(saved_modules(base))
    chosen = Plan(checkpoint, base, saved)
    if isinstance(adapters, str):
        return _with_family(chosen, _family(adapters), _family(adapters).adapters, hub)
    if adapters is not None:
        sources = {task: str(source) for task, source in by_task(adapters).items()}
        found = {task: adapter_folder(source, hub) for task, source in sources.items()}
        return _told(replace(chosen, adapters=found, sources=sources))
    if is_complete(saved):
        return chosen
    if checkpoint.identity is not None and not checkpoint.adapters:
        _tell_identity(checkpoint)
    family = checkpoint.family
    if family is not None:
        return _with_family(chosen, family, checkpoint.adapters or family.adapters, hub)
    if not checkpoint.adapters:
        logger.warning(
            "%r is loaded without adapters, so that queries and papers go through the same weights; adapters={...} "
            "(--adapter TASK=FOLDER_OR_ID) gives it some, adapters={} (--adapter none) says that none are meant",
            checkpoint.base,
        )
    return _with_family(chosen, None, checkpoint.adapters, hub)


def adapter_folder(source: str | Path, hub: Hub) -> Path:
    """Return the folder of an adapter: a folder as it is, also one of the hub's cache, or fetched from the hub.

    Raises:
        CheckpointError: If there is no such folder, and no such repository to be had.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return the_snapshot(folder)
    name = str(source)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise CheckpointError(
            f"the adapter {name!r} is neither an existing folder (looked for {folder.absolute()}) "
            "nor a hub name like 'allenai/specter2'"
        )
    try:
        return hub.adapter_folder(name)
    except CheckpointError as error:
        raise _or_folder(error, name) from None


def _with_family(plan: Plan, family: Family | None, sources: Mapping[str, str], hub: Hub) -> Plan:
    """Take what can be had of the adapters of a family, and say what cannot."""
    found: dict[str, Path] = {}
    missing: dict[str, str] = {}
    reason = ""
    place = repository_of(plan.base)
    for task, source in sources.items():
        near = hub
        # A base that lies in a cache has its adapters there, whichever cache this machine is set to.
        if place is not None and hub.cache_folder is None and cached(source, chosen=place[1]):
            near = replace(hub, cache_folder=place[1])
        try:
            found[task] = adapter_folder(source, near)
        except NotAvailableError as error:
            missing[task], reason = source, str(error).partition(": ")[2]
            hub = hub.offline()  # the next ones would wait for the network in vain
    if missing and not found:
        raise CheckpointError(_nothing_found(plan.checkpoint, missing, reason))
    if missing:
        logger.warning(
            "%r is loaded with %s alone; %s not to be had: %s. Where there is a network: %s. What needs one of them "
            "will fail",
            plan.checkpoint.base,
            ", ".join(found),
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'}",
            reason,
            _downloads(missing),
        )
    return replace(plan, adapters=found, sources=dict(sources), missing=missing)


def _nothing_found(checkpoint: Checkpoint, missing: Mapping[str, str], reason: str) -> str:
    known = ""
    if checkpoint.identity is not None and checkpoint.family is not None:
        known = f" (it is the base of {checkpoint.family.name!r} by {checkpoint.identity.evidence})"
    return (
        f"{checkpoint.base!r}{known} is a base whose adapters are not to be had: {', '.join(missing.values())}: "
        f'{reason}. Where there is a network: {_downloads(missing)}; or adapters={{"proximity": "folder or hub/id"}} '
        f"(--adapter proximity=FOLDER_OR_ID) gives them; {_BARE}"
    )


def _downloads(missing: Mapping[str, str]) -> str:
    return "; ".join(f"hf download {repo}" for repo in missing.values())


def _tell_identity(checkpoint: Checkpoint) -> None:
    """Say what a folder is taken for; raise where that could be several families."""
    identity = checkpoint.identity
    assert identity is not None
    if identity.confidence == "alike":
        alike = [repr(family.name) for family in families().values() if family.config == identity.family.config]
        raise CheckpointError(
            f"{checkpoint.base!r} is a base of SPECTER2 by {identity.evidence}, and no adapters lie beside it: "
            f"adapters={' or '.join(alike)} (--adapter {alike[0][1:-1]}) loads those of that family; {_BARE}"
        )
    if identity.confidence == "likely" and identity.family.adapters:
        logger.warning(
            "%r is taken for %r by %s, and loaded with its adapters; if its weights were trained further, they do not "
            "fit: %s",
            checkpoint.base, identity.family.name, identity.evidence, _BARE,
        )  # fmt: skip
    else:
        logger.info("%r is %r by %s", checkpoint.base, identity.family.name, identity.evidence)


def _told(plan: Plan) -> Plan:
    """Warn of adapters that seem to be for another task, or for another base."""
    owners = adapter_owners()
    for task, folder in plan.adapters.items():
        source = plan.sources[task]
        trained_as = owners[source][0] if source in owners else canonical(adapter_name(folder))
        if trained_as != task and {trained_as, task} <= set(TASK_FORMATS):
            logger.warning("%s, given for the task %r, is an adapter for %r", source, task, trained_as)
        family = owners[source][1] if source in owners else owner_of_adapter(folder)
        if family is not None and plan.checkpoint.family not in (None, family):
            logger.warning("%s is an adapter of %r, not of %r", source, family.name, plan.checkpoint.name)
    return plan


def _family(name: str) -> Family:
    known = families()
    if name not in known:
        raise CheckpointError(f"no family of adapters is called {name!r}; known: {', '.join(known)}")
    return known[name]


def _fetched_base(repo: str, hub: Hub) -> Path:
    try:
        return hub.base_folder(repo)
    except CheckpointError as error:
        told = error if repo in families() else _or_folder(error, repo)
        raise (type(told)(f"{told}. {_OFFLINE}") if isinstance(told, NotAvailableError) else told) from None


def _or_folder(error: CheckpointError, name: str) -> CheckpointError:
    return type(error)(f"{error}; nor is there a folder {Path(name).absolute()}")
