"""A store at rest, copied to be searched: the original is only read, so it may lie on a medium that cannot be written.

What the engine never changes, which is most of an indexed segment, is a symbolic link to the original, which the engine
opens for reading alone; the rest is copied.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import portalocker

from specter2_plugins.edge import files, shards
from specter2_plugins.edge.collection import Collection
from specter2_plugins.edge.store import COLLECTIONS, MARK, read_mark
from specter2_plugins.errors import StoreError

_PREFIX = "specter2-reader-"
_HELD = "held"
_STORE = "store"
_ROOM = 64 * 2**20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_ALONE = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING


class Snapshot:
    """A private copy of a store that nobody writes meanwhile, in a temporary folder of this process.

    Args:
        store: The store's folder.
        name: What messages call it.

    Raises:
        StoreError: If it is no store, or there is no room for the copy.
        OSError: If it cannot be read.
    """

    def __init__(self, store: Path, name: Path) -> None:
        if read_mark(store, name) is None:
            raise StoreError(f"there is no store in {name}")
        try:
            _clear_left_behind(Path(tempfile.gettempdir()))
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = _hold(self._folder)
        except OSError as error:
            raise _no_place(name, error) from None
        self.folder = self._folder / _STORE
        try:
            (self.folder / COLLECTIONS).mkdir(parents=True)
            shards.copy_file(store / MARK, self.folder / MARK)
            for collection in sorted((store / COLLECTIONS).glob("*")):
                if Collection.exists(collection) and not collection.name.startswith(files.UNFINISHED):
                    _copy(collection, self.folder / COLLECTIONS / collection.name)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()


@contextmanager
def of_temporary_files(name: Path) -> Iterator[None]:
    """Say of a disk that is full or cannot be written that it is the copy's: the store is only read.

    Args:
        name: What messages call the store.

    Raises:
        StoreError: If it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise _no_place(name, error) from None


def _no_place(name: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{name} is read through a copy among the temporary files, which cannot be made: {error};"
        " name another folder for them in TMPDIR"
    )


def _copy(collection: Path, target: Path) -> None:
    target.mkdir()
    for entry in collection.iterdir():
        if entry.is_file() and not files.is_temporary(entry.name):
            shards.copy_file(entry, target / entry.name)
    for shard in shards.found(collection)[-1:]:
        files.require_room(target, _ROOM + shards.room_of_copy(shard))
        shards.clone(shard, target / shards.FIRST, os.symlink)


def _hold(folder: Path) -> IO[str]:
    """Lock a copy as long as this process lives; under another name at first, as who clears up takes any free lock."""
    unnamed = folder / f".{_HELD}"
    file = unnamed.open("w", encoding="utf-8")
    portalocker.lock(file, _ALONE)
    json.dump({"pid": os.getpid()}, file)
    file.flush()
    unnamed.rename(folder / _HELD)
    return file


def _clear_left_behind(parent: Path) -> None:
    """Remove the copies of processes that were killed: this user's, whose lock nobody has."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, portalocker.exceptions.LockException):
            if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
                continue
            with (folder / _HELD).open("r+", encoding="utf-8") as file:
                portalocker.lock(file, _ALONE)
                shutil.rmtree(folder)
