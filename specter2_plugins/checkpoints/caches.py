"""The folders in which downloads from the hub are kept, and what lies in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

_VARIABLES = ("SENTENCE_TRANSFORMERS_HOME", "", "TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE")
"""Variables that name a cache, in the order they are asked; "" is the hub's own (HF_HUB_CACHE, HF_HOME)."""

_FOLDER = re.compile(r"^models--(?P<owner>[^/]+?)--(?P<name>[^/]+)$")


def cache_roots(chosen: str | Path | None = None) -> list[Path]:
    """Return the folders where a repository may be cached; downloads go into the first.

    Args:
        chosen: The only one to ask.
    """
    if chosen is not None:
        return [Path(chosen).expanduser()]
    from huggingface_hub.constants import HF_HUB_CACHE

    named = [HF_HUB_CACHE if variable == "" else os.environ.get(variable, "") for variable in _VARIABLES]
    return list(dict.fromkeys(Path(folder).expanduser() for folder in named if folder))


def cache_of(repo: str, chosen: str | Path | None = None) -> Path:
    """Return the first cache that holds something of a repository, or else the one for downloads."""
    roots = cache_roots(chosen)
    # Who names the folder above, which HF_HOME is, means the cache in it.
    within = [place for root in roots for place in (root, root / "hub")]
    return next((root for root in within if any((root / _folder_name(repo) / "snapshots").glob("*"))), roots[0])


def snapshots(folder: Path, revision: str | None = None) -> list[Path]:
    """Return what a repository's folder in a cache (`models--owner--name`) holds of a revision, the likeliest first.

    Args:
        folder: The folder.
        revision: A branch, tag or commit. Without one: `main`, or, in a cache that has lost its `refs/`, the latest.
    """
    wanted = revision or "main"
    ref = folder / "refs" / wanted
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else wanted
    at = folder / "snapshots" / commit
    if commit and at.is_dir():
        return [at]
    if revision is not None or ref.is_file():
        return []
    return sorted(filter(Path.is_dir, (folder / "snapshots").glob("*")), key=lambda path: -path.stat().st_mtime)


def cached(repo: str, revision: str | None = None, chosen: str | Path | None = None) -> list[Path]:
    """Return what lies in the cache of a revision of a repository, as `snapshots` does."""
    return snapshots(cache_of(repo, chosen) / _folder_name(repo), revision)


def repository_of(folder: Path) -> tuple[str, Path] | None:
    """Return the repository whose folder or snapshot in a cache a folder is, and the cache; None for any other."""
    for place in (folder, folder.parent.parent if folder.parent.name == "snapshots" else None):
        if place is not None and (match := _FOLDER.match(place.name)):
            return f"{match['owner']}/{match['name']}", place.parent
    return None


def is_cache(folder: Path) -> bool:
    """Return whether a folder is a cache itself, which holds repositories."""
    return any(_FOLDER.match(path.name) for path in folder.iterdir())


def _folder_name(repo: str) -> str:
    return f"models--{repo.replace('/', '--')}"
