"""One collection: a shard of the engine, and its configuration beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.edge import configuration, files, shards
from specter2_plugins.edge.background import Background
from specter2_plugins.edge.backlog import Backlog
from specter2_plugins.edge.configuration import optimizers_config, shard_config, vector_params
from specter2_plugins.edge.indexing import Builder, CancelledError
from specter2_plugins.errors import StoreError, one_line

_CONFIG = "collection.json"
# Above a few segments each build merges, and so builds again, what is there. Searches pass through all of them.
_SEGMENTS = 8
_CATCH_UPS = 5
_FEW_WRITES = 8
_BUILD_COPIES = 2

# The engine writes through mapped memory, where a disk that is full ends the process without a word. It also makes
# files of 32 MiB ahead, the first of them when a shard is opened. What is written goes into its log, its storage and
# its indexes: 2.3 times its size was measured, and 300 bytes a point.
_ROOM = 64 * 2**20
_ROOM_TO_OPEN = 40 * 2**20
_COPIES = 4

_log = logging.getLogger(__name__)


# One at a time in a process: each takes memory, and all cores.
_one_build = threading.Lock()


class Collection:
    """A collection in a folder of its own. Threads may share it; they take turns.

    Locks are taken in this order: `_building`, `_writing`, `_lock`. Who searches takes the last alone, and so waits for
    no build, and for no copy that is made for one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place: Path | None = None
        self._building, self._writing, self._lock = threading.RLock(), threading.RLock(), threading.RLock()
        self._opened: edge.EdgeShard | None = None
        self._flushed = time.monotonic()
        self._writes = 0
        self._backlog = Backlog()
        self._background = Background(self._index, self._backlog.due)
        self._builder: Builder | None = None
        self._cancelled = threading.Event()
        self._config: models.CreateCollection | None = None

    @classmethod
    def make(cls, place: Path, config: models.CreateCollection) -> Path:
        """Make a collection in a marked folder beside its place, where `files.finish` brings it."""
        description = configuration.described(config)
        files.require_room(place.parent.parent, _ROOM)
        folder = files.begin(place.parent)
        try:
            (folder / shards.FIRST).mkdir()
            with _engine_errors(place.name):
                edge.EdgeShard.create(str(folder / shards.FIRST), shard_config(config)).close()
            files.write_whole(folder / _CONFIG, description)
        except BaseException:
            cls.discard(folder)
            raise
        return folder

    @staticmethod
    def discard(made: Path) -> None:
        """Remove what `make` has made, before it is brought to its place."""
        files.clear(made, _own(made))

    @staticmethod
    def clear_unfinished(parent: Path) -> None:
        """Clear away what a crash has left of collections that were being made or deleted."""
        files.clear_unfinished(parent, _own)

    def clear_superseded(self) -> None:
        """Clear away the shards whose place another one has taken, where a crash has left them."""
        for old in shards.found(self._folder)[:-1]:
            if not files.others(old, shards.OWN):
                begun = files.begin(self._folder.parent)
                old.rename(begun / shards.FIRST)
                files.clear(begun, {shards.FIRST})

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether a folder holds a collection."""
        try:
            return (folder / _CONFIG).is_file()
        except OSError:  # a folder that may not be read
            return False

    @property
    def folder(self) -> Path:
        """Where the collection lies."""
        return self._folder

    @property
    def config(self) -> models.CreateCollection:
        """The configuration; read when it is first asked for, so that a damaged one troubles nobody else."""
        with self._lock:
            if self._config is None:
                self._config = configuration.read(self._folder / _CONFIG, self._folder.name)
            return self._config

    @contextmanager
    def shard(self) -> Iterator[edge.EdgeShard]:
        """Lend the engine's shard for one call; what the engine raises becomes a `StoreError`."""
        with self._lock, _engine_errors(self._folder.name):
            if self._opened is None:
                self._opened = self._load(self._shard_folder())
            yield self._opened

    @property
    def is_indexing(self) -> bool:
        """Whether an index is being built, or soon will be."""
        return self._background.busy or self._builder is not None

    def update(self, operation: edge.UpdateOperation, points: int = 0, size: int = 0) -> None:
        """Apply an operation, then flush if it is time to. An index is built in the background when it is due.

        Args:
            operation: What to do.
            points: How many points get new vectors.
            size: About how many bytes it writes.

        Raises:
            OSError: If there is too little room on the disk.
        """
        with self._writing:
            files.require_room(self._folder, _ROOM + _COPIES * size)
            with self.shard() as shard:
                if self._backlog.unindexed is None:
                    self._backlog.unindexed = self._without_index(shard)
                self._writes += 1
                shard.update(operation)
                self._backlog.wrote(points, shard.info().points_count, self.config)
            if time.monotonic() - self._flushed >= optimizers_config(self.config).flush_interval_sec:
                self._flush()
        if self._backlog.due() is not None:
            self._background.wake()

    def reconfigure(self, config: models.CreateCollection) -> None:
        """Go on with another configuration, which the stored vectors follow before this returns.

        Raises:
            StoreError: If the engine refuses it; nothing is changed then.
        """
        description = configuration.described(config)
        self._cancel()
        with self._building:
            self._cancelled.clear()
            with self._writing, self._lock:
                self._close_shard()
                files.require_room(self._folder, _ROOM)
                with _engine_errors(self._folder.name):
                    self._opened = edge.EdgeShard.load(str(self._shard_folder()), shard_config(config))
                try:
                    files.write_whole(self._folder / _CONFIG, description)
                except BaseException:
                    self._close_shard()  # the next opening takes it back
                    raise
                self._config = config
            self._index()

    def save_config(self, config: models.CreateCollection) -> None:
        """Keep a configuration that says nothing new to the engine."""
        with self._lock:
            files.write_whole(self._folder / _CONFIG, configuration.described(config))
            self._config = config

    def optimize(self) -> None:
        """Build or rebuild indexes and clear what was deleted, as the configuration's thresholds say.

        It works on a copy, which takes the collection's place. Others search and write meanwhile.

        Raises:
            StoreError: If that fails; the collection is as it was.
        """
        with self._building, _one_build:
            begun = files.begin(self._folder.parent)
            try:
                self._rebuild(begun / shards.FIRST)
            except CancelledError:
                raise
            except StoreError as error:
                raise StoreError(f"collection {self._folder.name!r} could not be indexed: {error}") from None
            finally:
                files.clear(begun, {shards.FIRST})

    def settle(self, *, index: bool) -> None:
        """End what is done in the background; index first what is worth it, if asked to."""
        if not index:
            self._cancel()
        self._background.stop()
        with self._building:
            if index and self._backlog.is_worth_a_build:
                self._index()

    def close(self, *, index: bool) -> None:
        """Settle, flush and close."""
        self.settle(index=index)
        with self._building, self._writing, self._lock:
            self._close_shard()

    def delete(self) -> None:
        """Delete the collection, whose folder `check_deletable` has looked at."""
        self.close(index=False)
        files.remove(self._folder, _own(self._folder))

    def check_deletable(self) -> None:
        """Refuse to delete what is not the collection's.

        Raises:
            StoreError: If its folder is a link, or holds something else too.
        """
        if self._folder.is_symlink():
            raise StoreError(f"{self._folder} is a link; remove it, and the folder that it leads to, yourself")
        if foreign := files.others(self._folder, _own(self._folder)):
            raise StoreError(
                f"{self._folder} also holds {foreign[0]!r}, which is not the collection's; move it away first"
            )

    def _index(self) -> None:
        """Index what was written. That it fails is said once, and tried again when twice as much awaits it."""
        try:
            self.optimize()
        except CancelledError:
            pass
        except (StoreError, OSError) as error:
            if self._backlog.failed():
                _log.warning("%s; it is searched without, and indexed later", error)

    def _rebuild(self, copy: Path) -> None:
        """Index a copy of the shard, let it catch up with what is written meanwhile, and put it in its place."""
        began = time.monotonic()
        with self.shard():
            place = self._shard_folder()  # opening it has applied the configuration, which the builder finds on disk
        files.require_room(self._folder, _ROOM + _BUILD_COPIES * shards.room_taken(place))
        shards.sync(place)
        with self._writing:
            self._flush()
            shards.clone(place, copy)
            copied, awaiting = self._writes, self._backlog.unindexed or 0
            self._builder = Builder(copy)
        try:
            shards.allow_segments(copy, _SEGMENTS)
            with self._builder as builder:
                if self._cancelled.is_set():
                    builder.kill()
                builder.optimize()
                for _ in range(_CATCH_UPS):
                    if self._writes - copied <= _FEW_WRITES:
                        break
                    with self._writing:
                        shards.copy_log(place, copy)
                        copied = self._writes
                    builder.replay()
            shards.sync(place)
            with self._writing:
                if self._writes != copied:
                    shards.copy_log(place, copy)
                    shards.sync_log(copy)
                self._take(copy)
                self._backlog.built(awaiting, time.monotonic() - began)
        finally:
            self._builder = None

    def _take(self, copy: Path) -> None:
        """Put a copy that has caught up in the shard's place, and the shard in the copy's."""
        old = self._shard_folder()
        new = shards.following(old)
        copy.rename(new)
        files.sync_folder(self._folder)
        try:
            # As its own file says, which is a copy too: its log may hold vectors that are to be made first.
            with _engine_errors(self._folder.name):
                opened = edge.EdgeShard.load(str(new))
        except BaseException:
            new.rename(copy)
            raise
        with self._lock, suppress(StoreError, OSError):  # whatever the old one has to say, it is not needed any more
            outdated, self._opened, self._place = self._opened, opened, new
            if outdated is not None:
                with _engine_errors(self._folder.name):
                    outdated.close()
            old.rename(copy)

    def _cancel(self) -> None:
        """End a build that goes on."""
        self._cancelled.set()
        builder = self._builder
        if builder is not None:
            builder.kill()

    def _flush(self) -> None:
        if self._builder is not None:
            shards.sync_log(self._shard_folder())  # the copy still needs what a flush takes out of it
        else:
            with self.shard() as shard:
                shard.flush()
        self._flushed = time.monotonic()

    def _shard_folder(self) -> Path:
        with self._lock:
            if self._place is None:
                self._place = [self._folder / shards.FIRST, *shards.found(self._folder)][-1]
            return self._place

    def _load(self, folder: Path) -> edge.EdgeShard:
        files.require_room(self._folder, _ROOM_TO_OPEN)
        path, described = str(folder), self.config
        try:
            return edge.EdgeShard.load(path, shard_config(described))
        except Exception as refused:
            try:
                shard, config = edge.EdgeShard.load(path), configuration.of_shard(described, folder)
            except Exception:
                raise refused from None
            _log.warning(
                "collection %r: its %s asks for what the engine refuses (%s); opened with what the engine has",
                *(self._folder.name, _CONFIG, one_line(refused)),
            )
            self._config = config
            return shard

    def _close_shard(self) -> None:
        if self._opened is not None:
            shard, self._opened = self._opened, None
            with _engine_errors(self._folder.name):
                shard.close()

    def _without_index(self, shard: edge.EdgeShard) -> int:
        """Return points that sessions before left without an index, as one that was cut off does."""
        info = shard.info()
        sparse = info.points_count * len(self.config.sparse_vectors or {})  # which the engine counts as indexed
        indexed = max(0, info.indexed_vectors_count - sparse) // max(1, len(vector_params(self.config)))
        return max(0, info.points_count - indexed)


def _own(folder: Path) -> set[str]:
    """Return the names in a collection's folder that are its own."""
    try:
        return {_CONFIG, shards.FIRST, *(shard.name for shard in shards.found(folder))}
    except OSError:  # a folder that may not be read
        return set()


@contextmanager
def _engine_errors(collection: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # The engine's errors have no class of their own; its panics, as over damaged files, are no `Exception`s.
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise StoreError(f"collection {collection!r}: {' '.join(str(error).split())}") from None
