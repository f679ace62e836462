"""The folders that Sentence Transformers writes: which modules one is made of, and whether they may be run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from specter2_plugins.errors import CheckpointError
from specter2_plugins.printable import from_json

OUR_MODULE = "specter2_plugins.sentence_transformers.adapter_transformer.AdapterTransformer"
"""How `modules.json` names the module of this package."""

OUR_MODULES = (OUR_MODULE, "specter2_plugins.modules.adapter_transformer.AdapterTransformer")
"""All that it was ever called; the last name is that of version 0.1."""

_TRUSTED = ("sentence_transformers.", "specter2_plugins.")


@dataclass(frozen=True)
class SavedModule:
    """One entry of the `modules.json` that Sentence Transformers writes: a class and its subfolder."""

    type: str
    path: str


def saved_modules(folder: str | Path) -> list[SavedModule]:
    """Return the modules of a folder that Sentence Transformers wrote; [] for any other folder."""
    modules = Path(folder) / "modules.json"
    if not modules.is_file():
        return []
    try:
        entries = from_json(modules.read_text(encoding="utf-8"))
        saved = [SavedModule(entry["type"], entry["path"]) for entry in entries]
        names = [entry.get("name") for entry in entries]
        if any(name is not None and names.count(name) > 1 for name in names):  # the last would take the others' place
            raise ValueError(names)
        for entry in entries:
            if not all(isinstance(name, str) for name in [*entry.get("kwargs", ())]):
                raise TypeError(entry)
        for module in saved:
            place = PurePath(module.path)
            if place.is_absolute() or ".." in place.parts:
                raise ValueError(module.path)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{modules} is no list of modules, each with a type and a path: {type(error).__name__}"
        ) from None
    return saved


def saved_with(folder: Path) -> str | None:
    """Return the version of Sentence Transformers that wrote a folder, None where it does not say."""
    try:
        said = from_json((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        version = said["__version__"]["sentence_transformers"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return version if isinstance(version, str) and version.partition(".")[0].isdecimal() else None


def is_complete(saved: Sequence[SavedModule]) -> bool:
    """Return whether modules are those of a model of this package, which was saved with its adapters."""
    return bool(saved) and saved[0].type in OUR_MODULES


def refuse_foreign(saved: Sequence[SavedModule], name: str) -> None:
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
