"""Files that are there whole or not at all, and folders that are cleared away only if this program marked them.

A folder is made, and removed, under a name of its own beside its place: `.unfinished-` and a random number, with a mark
inside. One rename brings it to its place or takes it away. So a crash leaves a marked folder, which the next opening of
the store clears away; nothing else ever is.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

UNFINISHED = ".unfinished-"
"""How the name of a folder begins that is being made or removed."""

_TEMPORARY = re.compile(r"\.(edge|collection)\.json-[0-9a-f]{16}\.tmp")
_BLOCK = 512  # bytes; the unit of st_blocks everywhere
_MARK = "unfinished"
_MARKED = "This folder is being made or removed by specter2-plugins, which clears it away if that was interrupted.\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one; a link in its place is replaced, not followed."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, text)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def require_room(folder: Path, size: int) -> None:
    """Raise the error of a full disk if less than a number of bytes is free."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, f"less than {size >> 20} MiB are free", str(folder))


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system has a call for that."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def is_temporary(name: str) -> bool:
    """Return whether a name is one that `write_whole` gives to what is not whole yet."""
    return _TEMPORARY.fullmatch(name) is not None


def begin(parent: Path) -> Path:
    """Make a marked folder in another."""
    parent.mkdir(exist_ok=True)
    folder = parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        _write_new(folder / _MARK, _MARKED)
    except BaseException:
        clear(folder, set())
        raise
    return folder


def finish(folder: Path, place: Path) -> None:
    """Bring a marked folder to its place.

    Raises:
        FileExistsError: If something is there.
    """
    if os.path.lexists(place):
        raise FileExistsError(f"{place} is there already")
    folder.rename(place)
    (place / _MARK).unlink()


def others(folder: Path, own: set[str]) -> list[str]:
    """Return the names in a folder that are not among its own ones."""
    names = {entry.name for entry in folder.iterdir()}
    return sorted(name for name in names - own - {_MARK} if not is_temporary(name))


def remove(folder: Path, own: set[str]) -> None:
    """Remove a folder that holds nothing but its own names (see `others`); it is gone at once or not at all."""
    if not _is_marked(folder):
        _write_new(folder / _MARK, _MARKED)
    away = folder.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    folder.rename(away)
    clear(away, own)


def clear(folder: Path, own: set[str]) -> None:
    """Remove what is this program's of a marked folder, the mark last; what fails is left for the next opening."""
    with suppress(OSError):
        foreign = others(folder, own)
        for entry in folder.iterdir():
            if entry.name in {*foreign, _MARK}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        if not foreign:
            (folder / _MARK).unlink(missing_ok=True)
            folder.rmdir()


def clear_unfinished(parent: Path, own: Callable[[Path], set[str]]) -> None:
    """Clear away the marked folders that a crash has left in another; `own` names what is this program's in one."""
    for folder in parent.glob(f"{UNFINISHED}*"):
        if not folder.is_symlink() and _is_marked(folder):
            clear(folder, own(folder))


def _is_marked(folder: Path) -> bool:
    mark = folder / _MARK
    try:
        return not mark.is_symlink() and mark.read_text(encoding="utf-8") == _MARKED
    except (OSError, ValueError):
        return False


def _write_new(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def bytes_on_disk(folder: Path) -> int:
    """Return how many bytes of the disk the files below a folder take."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # gone meanwhile, as a log is that was shortened
            found = path.lstat()
            total += getattr(found, "st_blocks", -(-found.st_size // _BLOCK)) * _BLOCK
    return total
