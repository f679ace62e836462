"""One collection: a shard of the engine, and its configuration beside it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge.configuration import optimizers_config, shard_config, vector_params

_CONFIG = "collection.json"
_SHARD = "shard"
_FLOAT = 4
_UNINDEXED_SHARE = 4

# The engine writes through mapped memory, where a disk that is full ends the process without a word. It also makes
# files of 32 MiB ahead.
_ROOM = 64 * 2**20

# The engine holds Python's lock while it builds an index, for minutes in a large collection. In a process of its own
# it can be waited for, and killed: a build that is cut short leaves the shard as it was. On Linux it dies with its
# client (PR_SET_PDEATHSIG, SIGKILL), which would else leave the collection held until the build's end.
_OPTIMIZE = """
import ctypes, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
from qdrant_edge import EdgeShard
shard = EdgeShard.load(sys.argv[1])
shard.optimize()
shard.close()
"""


class Collection:
    """A collection in a folder of its own. Threads may share it; they take turns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._opened: edge.EdgeShard | None = None
        self._flushed = time.monotonic()
        # Points without an index, once something is written: what only searches has none to build.
        self._unindexed: int | None = None
        self.config = models.CreateCollection.model_validate_json((folder / _CONFIG).read_bytes())

    @classmethod
    def create(cls, folder: Path, config: models.CreateCollection) -> Collection:
        """Make a collection. Its configuration is written last: a folder without one was never finished."""
        shutil.rmtree(folder, ignore_errors=True)
        (folder / _SHARD).mkdir(parents=True)
        _require_room(folder)
        with _engine_errors(folder.name):
            edge.EdgeShard.create(str(folder / _SHARD), shard_config(config)).close()
        write_whole(folder / _CONFIG, config.model_dump_json())
        return cls(folder)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a folder holds a collection, rather than what a crash left of one."""
        return (folder / _CONFIG).is_file()

    @contextmanager
    def shard(self) -> Iterator[edge.EdgeShard]:
        """The engine's shard, for one call; what the engine raises becomes a `StoreError`."""
        with self._lock, _engine_errors(self._folder.name):
            if self._opened is None:
                self._opened = edge.EdgeShard.load(str(self._folder / _SHARD), shard_config(self.config))
            yield self._opened

    def update(self, operation: edge.UpdateOperation, points: int = 0) -> None:
        """Apply an operation that writes a number of vectors, then flush and index if it is time to.

        Raises:
            OSError: If there is next to no room on the disk.
        """
        _require_room(self._folder)
        with self.shard() as shard:
            if self._unindexed is None:
                self._unindexed = self._without_index(shard)
            shard.update(operation)
            optimizers = optimizers_config(self.config)
            if time.monotonic() - self._flushed >= optimizers.flush_interval_sec:
                shard.flush()
                self._flushed = time.monotonic()
            self._unindexed += points
            if (
                self._unindexed >= self._worth_indexing()
                and self._unindexed >= shard.info().points_count / _UNINDEXED_SHARE
            ):
                self.optimize()

    def reconfigure(self, config: models.CreateCollection) -> None:
        """Go on with another configuration, which the stored vectors follow before this returns."""
        with self._lock:
            write_whole(self._folder / _CONFIG, config.model_dump_json())
            self.config = config
            self._close_shard()
            self.optimize()

    def save_config(self, config: models.CreateCollection) -> None:
        """Keep a configuration that says nothing new to the engine."""
        with self._lock:
            write_whole(self._folder / _CONFIG, config.model_dump_json())
            self.config = config

    def optimize(self) -> None:
        """Build or rebuild indexes and clear what was deleted, as the configuration's thresholds say."""
        with self._lock:
            with self.shard():
                pass  # opening it applies the configuration, which the process below finds on disk
            self._close_shard()
            command = [sys.executable, "-c", _OPTIMIZE, str(self._folder / _SHARD)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
                raise StoreError(f"collection {self._folder.name!r} could not be indexed: {reason}")
            self._unindexed = 0

    def close(self, *, index: bool) -> None:
        """Flush and close; index first what is worth it, if asked to."""
        with self._lock:
            if index and self._opened is not None and (self._unindexed or 0) >= self._worth_indexing():
                self.optimize()
            self._close_shard()

    def delete(self) -> None:
        """Delete the collection with everything in it."""
        with self._lock:
            self._close_shard()
            (self._folder / _CONFIG).unlink()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _close_shard(self) -> None:
        if self._opened is not None:
            with _engine_errors(self._folder.name):
                self._opened.close()
            self._opened = None

    def _without_index(self, shard: edge.EdgeShard) -> int:
        """Points that sessions before left without an index, as one that was cut off does."""
        info = shard.info()
        return max(0, info.points_count - info.indexed_vectors_count // max(1, len(vector_params(self.config))))

    def _worth_indexing(self) -> float:
        """How many new points reach the indexing threshold; infinite where indexing is off."""
        threshold = (optimizers_config(self.config).indexing_threshold or 0) * 1024
        largest = max((params.size for params in vector_params(self.config).values()), default=0)
        return threshold / (largest * _FLOAT) if threshold and largest else float("inf")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _require_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _ROOM:
        raise OSError(errno.ENOSPC, f"less than {_ROOM >> 20} MiB are free", str(folder))


@contextmanager
def _engine_errors(collection: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:  # the engine's errors have no class of their own
            raise
        if "WouldBlock" in str(error):
            raise StoreError(
                f"collection {collection!r} is still held by the process that indexes it, whose client was killed; "
                "wait for its end"
            ) from None
        raise StoreError(f"collection {collection!r}: {error}") from None
