"""The folder of an embedded Qdrant: who may open it, and which collections are in it."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from qdrant_client import models

from specter2_plugins.edge import files, limits, locking
from specter2_plugins.edge.collection import Collection
from specter2_plugins.errors import StoreError, one_line
from specter2_plugins.printable import from_json

MARK = "edge.json"
"""The file that makes a folder a store."""

COLLECTIONS = "collections"
"""The folder of its collections."""

_LOCAL_MODE = "meta.json"
_FORMAT = 1
# What may lie in a folder that becomes a store: a first opening that was cut off, and the root of a disk.
_NEW = {locking.NAME, "lost+found"}


class Store:
    """An open folder of collections, locked against every other client.

    Args:
        path: The folder; made if it is not there.

    Raises:
        RuntimeError: If another client has it open, in this process or another.
        StoreError: If it is no store but holds something, or was written by a later version of this package.
        OSError: If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        # The process may go on in another working directory.
        self._folder = path.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        read_mark(self._folder, path)  # before anything is written: the folder may be somebody else's
        self._lock = locking.StoreLock(self._folder)
        try:
            aliases = read_mark(self._folder, path)
            if aliases is None:
                self._write_mark({})
            self.aliases: dict[str, str] = aliases or {}
            self._collections = self._find_collections()
        except BaseException:
            self._lock.close()
            raise
        self._changing = threading.RLock()
        self.closed = False

    def __getitem__(self, name: str) -> Collection:
        """Return a collection, by its name or an alias."""
        self.check_open()
        collection = self._collections.get(self.aliases.get(name, name))
        if collection is None:
            raise StoreError(f"Collection {name} not found{self._described_as_missing(name)}")
        return collection

    def __contains__(self, name: object) -> bool:
        """Return whether a collection has this name or alias."""
        self.check_open()
        return name in self._collections or name in self.aliases

    @property
    def names(self) -> list[str]:
        """The names of the collections."""
        self.check_open()
        return list(self._collections)

    def create(self, name: str, config: models.CreateCollection, *, replace: bool = False) -> None:
        """Make a collection, all of it or nothing.

        Args:
            name: Its name.
            config: Its configuration.
            replace: Delete the collection of this name first, if there is one, once the new one is made.

        Raises:
            StoreError: If the name is taken or cannot be one, or the configuration cannot be.
        """
        limits.check_collection_name(name)
        place = self._folder / COLLECTIONS / name
        if name.startswith(files.UNFINISHED):
            raise StoreError(f"{name!r} cannot name a collection: folders that are being made are named so")
        with self._changing:
            if name in self and not (replace and name in self._collections):
                raise StoreError(f"Collection {name} already exists")
            if name not in self._collections and os.path.lexists(place):
                raise StoreError(
                    f"{place} is there, and no collection: it has no collection.json. Put that back, or move it away"
                )
            made = Collection.make(place, config)
            try:
                if replace:
                    self.delete(name)
                files.finish(made, place)
            except BaseException:
                Collection.discard(made)
                raise
            self._collections[name] = Collection(place)

    def delete(self, name: str) -> bool:
        """Delete a collection and the aliases of it; False if there was none."""
        self.check_open()
        with self._changing:
            if name not in self._collections:
                return False
            self._collections[name].check_deletable()
            self.save_aliases({alias: target for alias, target in self.aliases.items() if target != name})
            self._collections[name].delete()
            del self._collections[name]
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

    def settle(self, *, index: bool) -> None:
        """Do what `Collection.settle` does for each, while others still search."""
        if self.closed or os.getpid() != self._process:
            return
        with ExitStack() as settling:  # each, whatever another one raises
            for collection in self._collections.values():
                settling.callback(collection.settle, index=index)

    def close(self, *, index: bool) -> None:
        """Close every collection (see `Collection.close`) and let others open the folder."""
        if self.closed or os.getpid() != self._process:
            return
        self.closed = True
        try:
            with ExitStack() as closing:  # each is closed, whatever another one raises
                for collection in self._collections.values():
                    closing.callback(collection.close, index=index)
        finally:
            self._lock.close()

    def _write_mark(self, aliases: dict[str, str]) -> None:
        files.write_whole(self._folder / MARK, json.dumps({"format": _FORMAT, "aliases": aliases}))

    def _described_as_missing(self, name: str) -> str:
        known = {folder.name for folder in (self._folder / COLLECTIONS).glob("*") if folder.is_dir()}
        return f": {self._folder / COLLECTIONS / name} has no collection.json" if name in known else ""

    def _find_collections(self) -> dict[str, Collection]:
        """Return the collections. Other files and folders beside them are left alone."""
        parent = self._folder / COLLECTIONS
        Collection.clear_unfinished(parent)
        found = {
            folder.name: Collection(folder)
            for folder in sorted(parent.glob("*"))
            if Collection.exists(folder) and not folder.name.startswith(files.UNFINISHED)
        }
        for collection in found.values():
            collection.clear_superseded()
        return found


def read_mark(folder: Path, name: Path) -> dict[str, str] | None:
    """Return a store's aliases, or None if the folder can become a store.

    Args:
        folder: The folder.
        name: What messages call it.

    Raises:
        StoreError: If it holds something else, or was written by a later version of this package.
    """
    mark = folder / MARK
    if os.path.lexists(mark):
        return _aliases(mark)
    if is_local_mode(folder):
        raise StoreError(
            f"{name} was written by qdrant-client's local mode. Copy it into a new folder: "
            f"QdrantClient(path={str(name)!r}).migrate(EdgeClient('new folder'))"
        )
    if foreign := files.others(folder, _NEW):
        raise StoreError(
            f"{name} is no embedded store: it has no {MARK} and holds {foreign[0]!r}; name a new or an empty folder"
        )
    return None


def _aliases(mark: Path) -> dict[str, str]:
    try:
        content: dict[str, Any] = from_json(mark.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise StoreError(
                f"{mark.parent} has format {content['format']!r}, this version of the package reads {_FORMAT}"
            )
        aliases: dict[str, str] = content["aliases"]
        if not all(isinstance(name, str) for name in (*aliases.keys(), *aliases.values())):
            raise TypeError("an alias that is not text")
    except StoreError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{mark} is damaged ({one_line(error)}); put it back from a copy. Without one, "
            f'{{"format": {_FORMAT}, "aliases": {{}}}} in it opens the store again, without aliases'
        ) from None
    return aliases


def is_local_mode(path: Path) -> bool:
    """Return whether qdrant-client's local mode wrote a folder, which this engine cannot read."""
    if os.path.lexists(path / MARK):
        return False
    try:
        content = from_json((path / _LOCAL_MODE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"collections", "aliases"} <= content.keys()
