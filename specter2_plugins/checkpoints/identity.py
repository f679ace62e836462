"""Which family a folder's weights belong to, by what lies in the folder and where it lies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from specter2_plugins.checkpoints.caches import repository_of
from specter2_plugins.checkpoints.families import Family, families, plain_name
from specter2_plugins.printable import from_json

Confidence = Literal["certain", "likely", "alike"]
"""That of its own files; that of a name, which other weights may bear; that of a kind, which several families are."""

_REMOTE = re.compile(r"^\s*url\s*=.*(?:huggingface|hf)\.co[/:](?P<repo>[\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$", re.MULTILINE)
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True)
class Identity:
    """The family of a folder's weights.

    Args:
        family: The family.
        evidence: What tells it, which continues the sentence "it is the base of ... by".
        confidence: How sure that is.
    """

    family: Family
    evidence: str
    confidence: Confidence


def identify(folder: Path) -> Identity | None:
    """Return the family that a base in transformers' format belongs to, or None where nothing tells."""
    for evidence in _EVIDENCE:
        for found in evidence(folder):
            return found
    return None


def owner_of_adapter(folder: Path) -> Family | None:
    """Return the family on whose base an adapter was trained, as its configuration says, or None."""
    return _by_name().get(plain_name(str(_json(folder / "adapter_config.json").get("model_name"))))


def adapter_name(folder: Path) -> str:
    """Return the name under which an adapter was trained, or "" if its configuration says none."""
    name = _json(folder / "adapter_config.json").get("name")
    return name if isinstance(name, str) else ""


def _by_place(folder: Path) -> Iterator[Identity]:
    place = repository_of(folder)
    family = _by_name().get(plain_name(place[0])) if place is not None else None
    if family is not None:
        yield Identity(family, "its place in the hub's cache", "certain")


def _by_clone(folder: Path) -> Iterator[Identity]:
    config = folder / ".git" / "config"
    remote = _REMOTE.search(config.read_text(encoding="utf-8", errors="replace")) if config.is_file() else None
    family = _by_name().get(plain_name(remote["repo"])) if remote is not None else None
    if family is not None:
        yield Identity(family, "the repository that it was cloned from", "certain")


def _by_download(folder: Path) -> Iterator[Identity]:
    # What `hf download --local-dir` writes about each file: the commit, and of large files the SHA-256.
    commits = {commit: family for family in families().values() for commit in family.commits}
    hashes = _known_hashes()
    for path in sorted((folder / ".cache" / "huggingface" / "download").glob("*.metadata")):
        commit, etag, *_ = [*path.read_text(encoding="utf-8", errors="replace").split(), "", ""]
        family = hashes.get(etag) or commits.get(commit)
        if family is not None:
            yield Identity(family, "the commit that it was downloaded from", "certain")


def _by_weights(folder: Path) -> Iterator[Identity]:
    sizes = {size for family in families().values() for size in family.weights.values()}
    for path in (path for pattern in _WEIGHTS for path in sorted(folder.glob(pattern))):
        if path.stat().st_size in sizes:
            family = _known_hashes().get(_sha256(path))
            if family is not None:
                yield Identity(family, f"the SHA-256 of {path.name}", "certain")


def _by_config(folder: Path) -> Iterator[Identity]:
    made_from = _json(folder / "config.json").get("_name_or_path")
    family = _named(made_from) if isinstance(made_from, str) else None
    if family is not None:
        yield Identity(family, f"its config's _name_or_path, {made_from!r}", "likely")


def _by_folder(folder: Path) -> Iterator[Identity]:
    absolute = folder.absolute()
    family = _named("/".join(absolute.parts[-2:]))
    if family is not None:
        yield Identity(family, f"the name of its folder, {absolute.name!r}", "likely")


def _by_kind(folder: Path) -> Iterator[Identity]:
    config = _json(folder / "config.json")
    for family in families().values():
        if family.config and all(
            key in config and (value is None or config[key] == value) for key, value in family.config.items()
        ):
            yield Identity(family, "its config, which is of the same kind", "alike")


_EVIDENCE: tuple[Callable[[Path], Iterator[Identity]], ...] = (
    _by_place,
    _by_clone,
    _by_download,
    _by_weights,
    _by_config,
    _by_folder,
    _by_kind,
)


def _by_name() -> dict[str, Family]:
    return {plain_name(name): family for family in families().values() for name in family.names}


def _known_hashes() -> dict[str, Family]:
    return {sha: family for family in families().values() for sha in family.weights}


def _named(path: str) -> Family | None:
    """Return the family whose base a path names: whole, by its end, or by its last part alone."""
    parts = [part for part in re.split(r"[/\\]", path) if part]
    names = _by_name()
    # The last part alone, without its owner, only where it says enough: `base` or `specter2` does not.
    alone = {plain_name(family.name.rpartition("/")[2]): family for family in families().values() if "/" in family.name}
    ends = ["/".join(parts[-2:]), *parts[-1:]]
    return next((names[plain_name(end)] for end in ends if plain_name(end) in names), None) or alone.get(
        plain_name(parts[-1]) if parts else ""
    )


def _json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object, {} for none: what is wrong with the file is told where it is read for good."""
    try:
        read = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _sha256(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()
