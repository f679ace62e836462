"""One collection: a shard of the engine, and its configuration beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.errors import StoreError, one_line
from specter2_plugins.qdrant.edge import configuration, files, indexing
from specter2_plugins.qdrant.edge.configuration import optimizers_config, shard_config, vector_params

_CONFIG = "collection.json"
_SHARD = "shard"
_OWN = {_CONFIG, _SHARD}
_FLOAT = 4
_UNINDEXED_SHARE = 4

# The engine writes through mapped memory, where a disk that is full ends the process without a word. It also makes
# files of 32 MiB ahead, the first of them when a shard is opened. What is written goes into its log, its storage and
# its indexes: 2.3 times its size was measured, and 300 bytes a point.
_ROOM = 64 * 2**20
_ROOM_TO_OPEN = 40 * 2**20
_COPIES = 4

_log = logging.getLogger(__name__)


class Collection:
    """A collection in a folder of its own. Threads may share it; they take turns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._opened: edge.EdgeShard | None = None
        self._flushed = time.monotonic()
        # Points without an index, once something is written: what only searches has none to build.
        self._unindexed: int | None = None
        # After a build that failed, how many points without an index make another one worth trying.
        self._next_build = 0
        self._config: models.CreateCollection | None = None

    @classmethod
    def make(cls, place: Path, config: models.CreateCollection) -> Path:
        """Make a collection in a marked folder beside its place, where `files.finish` brings it."""
        description = configuration.described(config)
        files.require_room(place.parent.parent, _ROOM)
        folder = files.begin(place.parent)
        try:
            (folder / _SHARD).mkdir()
            with _engine_errors(place.name):
                edge.EdgeShard.create(str(folder / _SHARD), shard_config(config)).close()
            files.write_whole(folder / _CONFIG, description)
        except BaseException:
            cls.discard(folder)
            raise
        return folder

    @staticmethod
    def discard(made: Path) -> None:
        """Remove what `make` has made, before it is brought to its place."""
        files.clear(made, _OWN)

    @staticmethod
    def clear_unfinished(parent: Path) -> None:
        """Clear away what a crash has left of collections that were being made or deleted."""
        files.clear_unfinished(parent, _OWN)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a folder holds a collection."""
        try:
            return (folder / _CONFIG).is_file()
        except OSError:  # a folder that may not be read
            return False

    @property
    def config(self) -> models.CreateCollection:
        """The configuration; read when it is first asked for, so that a damaged one troubles nobody else."""
        with self._lock:
            if self._config is None:
                self._config = configuration.read(self._folder / _CONFIG, self._folder.name)
            return self._config

    @contextmanager
    def shard(self) -> Iterator[edge.EdgeShard]:
        """The engine's shard, for one call; what the engine raises becomes a `StoreError`."""
        with self._lock, _engine_errors(self._folder.name):
            if self._opened is None:
                self._opened = self._load()
            yield self._opened

    def update(self, operation: edge.UpdateOperation, points: int = 0, size: int = 0) -> None:
        """Apply an operation, then flush and index if it is time to. An index that cannot be built is no failure.

        Args:
            operation: What to do.
            points: How many points get new vectors.
            size: About how many bytes it writes.

        Raises:
            OSError: If there is too little room on the disk.
        """
        files.require_room(self._folder, _ROOM + _COPIES * size)
        with self.shard() as shard:
            if self._unindexed is None:
                self._unindexed = self._without_index(shard)
            shard.update(operation)
            if time.monotonic() - self._flushed >= optimizers_config(self.config).flush_interval_sec:
                shard.flush()
                self._flushed = time.monotonic()
            self._unindexed += points
            due = max(self._worth_indexing(), shard.info().points_count / _UNINDEXED_SHARE, self._next_build)
            if self._unindexed >= due:
                self._index()

    def reconfigure(self, config: models.CreateCollection) -> None:
        """Go on with another configuration, which the stored vectors follow before this returns.

        Raises:
            StoreError: If the engine refuses it; nothing is changed then.
        """
        with self._lock:
            description = configuration.described(config)
            self._close_shard()
            files.require_room(self._folder, _ROOM)
            with _engine_errors(self._folder.name):
                self._opened = edge.EdgeShard.load(str(self._folder / _SHARD), shard_config(config))
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

        Raises:
            StoreError: If that fails; the collection is as it was.
        """
        with self._lock:
            with self.shard():
                pass  # opening it applies the configuration, which the process below finds on disk
            self._close_shard()
            reason = indexing.build(self._folder / _SHARD)
            if reason is not None:
                raise StoreError(f"collection {self._folder.name!r} could not be indexed: {reason}")
            self._unindexed = self._next_build = 0

    def close(self, *, index: bool) -> None:
        """Flush and close; index first what is worth it, if asked to."""
        with self._lock:
            if index and self._unindexed and self._unindexed >= self._worth_indexing():
                self._index()
            self._close_shard()

    def delete(self) -> None:
        """Delete the collection, whose folder `check_deletable` has looked at."""
        with self._lock:
            self._close_shard()
            files.remove(self._folder, _OWN)

    def check_deletable(self) -> None:
        """Refuse to delete what is not the collection's.

        Raises:
            StoreError: If its folder is a link, or holds something else too.
        """
        if self._folder.is_symlink():
            raise StoreError(f"{self._folder} is a link; remove it, and the folder that it leads to, yourself")
        if foreign := files.others(self._folder, _OWN):
            raise StoreError(
                f"{self._folder} also holds {foreign[0]!r}, which is not the collection's; move it away first"
            )

    def _index(self) -> None:
        """Index what was written. That it fails is said once, and tried again when twice as much awaits it."""
        try:
            self.optimize()
        except (StoreError, OSError) as error:
            if not self._next_build:
                _log.warning("%s; it is searched without, and indexed later", error)
            self._next_build = max(1, 2 * (self._unindexed or 0))

    def _load(self) -> edge.EdgeShard:
        files.require_room(self._folder, _ROOM_TO_OPEN)
        path, described = str(self._folder / _SHARD), self.config
        try:
            return edge.EdgeShard.load(path, shard_config(described))
        except Exception as refused:
            if _is_held(refused):
                raise
            try:
                shard, config = edge.EdgeShard.load(path), configuration.of_shard(described, self._folder / _SHARD)
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
        """Points that sessions before left without an index, as one that was cut off does."""
        info = shard.info()
        return max(0, info.points_count - info.indexed_vectors_count // max(1, len(vector_params(self.config))))

    def _worth_indexing(self) -> float:
        """How many new points reach the indexing threshold; infinite where indexing is off."""
        threshold = (optimizers_config(self.config).indexing_threshold or 0) * 1024
        largest = max((params.size for params in vector_params(self.config).values()), default=0)
        return threshold / (largest * _FLOAT) if threshold and largest else float("inf")


def _is_held(error: BaseException) -> bool:
    return "WouldBlock" in str(error)


@contextmanager
def _engine_errors(collection: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # The engine's errors have no class of their own; its panics, as over damaged files, are no `Exception`s.
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        if _is_held(error):
            raise StoreError(
                f"collection {collection!r} is still held by the process that indexes it, whose client was killed; "
                "wait for its end"
            ) from None
        raise StoreError(f"collection {collection!r}: {' '.join(str(error).split())}") from None
