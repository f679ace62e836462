"""A name or folder -> the base and the adapters behind it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specter2_plugins.checkpoints.caches import is_cache, repository_of
from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT, MINI, Family, adapter_owners, families
from specter2_plugins.checkpoints.identity import Identity, identify
from specter2_plugins.checkpoints.layouts import ADAPTER_CONFIG, adapters_beside, adapters_in, the_snapshot
from specter2_plugins.checkpoints.saved import is_complete, saved_modules
from specter2_plugins.errors import CheckpointError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A base, and what is known of it.

    Args:
        base: A hub repository or a folder.
        adapters: Task -> folder or repository of the adapters that come with it.
        family: The family that it is known to belong to.
        identity: What tells that, of a folder.
    """

    base: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    family: Family | None = None
    identity: Identity | None = None

    @property
    def name(self) -> str:
        """What the base is called."""
        return (self.family.published_as if self.family is not None else None) or self.base


def resolve(name_or_path: str | Path) -> Checkpoint:
    """Work out the base and adapters behind a name or folder.

    Args:
        name_or_path: "mini", the hub name of a base, an old name of SPECTER2, or a folder: `base/` with
            `adapters/<task>/` (the archive layout), a model in transformers' format, also within the hub's cache, or
            what `save_pretrained` wrote.

    Raises:
        CheckpointError: If a folder is no model, or the name is that of an adapter.
    """
    name = str(name_or_path)
    folder = Path(name).expanduser()
    known = families()
    if name == MINI or (name in known and not folder.is_dir()):
        family = known[name]
        return Checkpoint(family.location(), family.adapters, family)
    if name and folder.is_dir():
        return _from_folder(folder)
    for family in known.values():
        if name in family.former:
            logger.warning(
                "%r was the name of %s before August 2023; loading %r with its adapters",
                name, family.former[name], family.name,
            )  # fmt: skip
            return Checkpoint(family.location(), family.adapters, family)
    refuse_adapter(name)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        where = f" (looked for {folder.absolute()})" if name else ""
        raise CheckpointError(
            f"{name!r} is neither an existing folder{where} nor a hub name like {DEFAULT_CHECKPOINT!r}, nor {MINI!r}"
        )
    return Checkpoint(name)


def refuse_adapter(base: str) -> None:
    """Raise if a base model's name is that of an adapter.

    Raises:
        CheckpointError: Naming the base to load instead, and the renaming behind most such mistakes.
    """
    owners = adapter_owners()
    if base in owners:
        task, owner = owners[base]
        renaming = f" {owner.renaming}." if owner.renaming else ""
        raise CheckpointError(
            f"{base!r} is the {task} adapter of {owner.name!r}, not a base model.{renaming} "
            f"Use load_specter2({owner.name!r}), which loads the base with all its adapters"
        )
    if (Path(base) / ADAPTER_CONFIG).is_file():
        raise CheckpointError(
            f"the folder {base!r} holds an adapter, not a base model. "
            f'Use load_specter2("the base", adapters={{"proximity": {base!r}}})'
        )


def _from_folder(folder: Path) -> Checkpoint:
    folder = the_snapshot(folder)
    for root in (folder, folder / "models"):
        if (root / "base" / "config.json").is_file():
            return _from_base(root / "base")
    refuse_adapter(str(folder))
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return _from_base(folder)
    if repository_of(folder) is not None:
        raise CheckpointError(f"{str(folder)!r}, in a cache of the hub, holds no model: download it again")
    if is_cache(folder):
        raise CheckpointError(
            f"{str(folder)!r} is a cache of the hub, not a model in it: "
            f"load_specter2({DEFAULT_CHECKPOINT!r}, cache_folder={str(folder)!r})"
        )
    raise CheckpointError(
        f"the folder {str(folder)!r} holds no model: expected base/config.json with adapters/<task>/, "
        "or config.json with weights"
    )


def _from_base(folder: Path) -> Checkpoint:
    if is_complete(saved_modules(folder)):
        return Checkpoint(str(folder))
    identity = identify(folder)
    alike = identity.family if identity is not None else None
    adapters = adapters_in(folder) or adapters_beside(folder, alike)
    family = alike if identity is not None and identity.confidence != "alike" else None
    return Checkpoint(str(folder), adapters, family, identity)
