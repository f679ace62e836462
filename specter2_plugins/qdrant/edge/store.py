"""The folder of an embedded Qdrant: who may open it, and which collections are in it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from typing import IO

import portalocker
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge.collection import Collection, write_whole

_MARK = "edge.json"
_LOCAL_MODE = "meta.json"
_LOCK = ".lock"  # qdrant-client's local mode locks the same file
_COLLECTIONS = "collections"
_FORMAT = 1
_FORBIDDEN = set('<>:"/\\|?*\0\x1f')


class Store:
    """An open folder of collections, locked against every other client.

    Args:
        path: The folder; made if it is not there.

    Raises:
        RuntimeError: If another client has it open, in this process or another.
        StoreError: If it was written by qdrant-client's local mode, or by a later version of this package.
        OSError: If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(path)
        try:
            self.aliases: dict[str, str] = self._read_mark()
            self._collections = self._open_collections()
        except BaseException:
            self._lock.close()
            raise
        self._changing = threading.RLock()
        self.closed = False

    def __getitem__(self, name: str) -> Collection:
        """A collection, by its name or an alias."""
        self.check_open()
        collection = self._collections.get(self.aliases.get(name, name))
        if collection is None:
            raise StoreError(f"Collection {name} not found")
        return collection

    def __contains__(self, name: object) -> bool:
        """Whether a collection has this name or alias."""
        self.check_open()
        return name in self._collections or name in self.aliases

    @property
    def names(self) -> list[str]:
        """The names of the collections."""
        self.check_open()
        return list(self._collections)

    def create(self, name: str, config: models.CreateCollection) -> None:
        """Make a collection.

        Raises:
            StoreError: If the name is taken or cannot be one.
        """
        if not name or name in (".", "..") or len(name) > 255 or _FORBIDDEN.intersection(name):
            raise StoreError(f"{name!r} cannot name a collection: at most 255 characters, none of {_forbidden_shown()}")
        with self._changing:
            if name in self:
                raise StoreError(f"Collection {name} already exists")
            self._collections[name] = Collection.create(self._path / _COLLECTIONS / name, config)

    def delete(self, name: str) -> bool:
        """Delete a collection and the aliases of it; False if there was none."""
        self.check_open()
        with self._changing:
            collection = self._collections.pop(name, None)
            if collection is None:
                return False
            self.save_aliases({alias: target for alias, target in self.aliases.items() if target != name})
            collection.delete()
            return True

    def save_aliases(self, aliases: dict[str, str]) -> None:
        """Keep these aliases (alias -> collection) in place of those before."""
        if aliases != self.aliases:
            self._write_mark(aliases)
            self.aliases = aliases

    def check_open(self) -> None:
        """Raise if the store was closed, or is another process's: the engine's threads do not live on in a fork."""
        if os.getpid() != self._process:
            raise RuntimeError(
                f"the client of {self._path} was opened by process {self._process} and does not work in its fork "
                f"{os.getpid()}; use it there alone, start processes by 'spawn', or run a Qdrant server"
            )
        if self.closed:
            raise RuntimeError(f"the client of {self._path} is closed; make a new one")

    def close(self, *, index: bool) -> None:
        """Close every collection (see `Collection.close`) and let others open the folder."""
        if self.closed or os.getpid() != self._process:
            return
        self.closed = True
        try:
            for collection in self._collections.values():
                collection.close(index=index)
        finally:
            self._lock.close()

    def _read_mark(self) -> dict[str, str]:
        mark = self._path / _MARK
        if not mark.exists():
            if is_local_mode(self._path):
                raise StoreError(
                    f"{self._path} was written by qdrant-client's local mode. Copy it into a new folder: "
                    f"QdrantClient(path={str(self._path)!r}).migrate(EdgeClient('new folder'))"
                )
            self._write_mark({})
        content = json.loads(mark.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise StoreError(
                f"{self._path} has format {content['format']}, this version of the package reads {_FORMAT}"
            )
        return content["aliases"]

    def _write_mark(self, aliases: dict[str, str]) -> None:
        write_whole(self._path / _MARK, json.dumps({"format": _FORMAT, "aliases": aliases}))

    def _open_collections(self) -> dict[str, Collection]:
        collections = {}
        for folder in sorted((self._path / _COLLECTIONS).glob("*")):
            if Collection.exists(folder):
                collections[folder.name] = Collection(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return collections


def is_local_mode(path: Path) -> bool:
    """Whether qdrant-client's local mode wrote a folder, which this engine cannot read."""
    return (path / _LOCAL_MODE).exists() and not (path / _MARK).exists()


def _locked(path: Path) -> IO[str]:
    file = (path / _LOCK).open("a", encoding="utf-8")
    try:
        portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.exceptions.LockException:
        file.close()
        raise RuntimeError(
            f"Storage folder {path} is already accessed by another instance of Qdrant client."
            " If you require concurrent access, use Qdrant server instead."
        ) from None
    return file


def _forbidden_shown() -> str:
    return " ".join(sorted(character for character in _FORBIDDEN if character.isprintable()))
