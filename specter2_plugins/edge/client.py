"""`QdrantClient` on a folder, with Qdrant's own engine in the process."""

from __future__ import annotations

import weakref
from pathlib import Path

from qdrant_client import QdrantClient
from typing_extensions import Self

from specter2_plugins.edge.backend import EdgeBackend
from specter2_plugins.edge.reader import ReadingBackend


class EdgeClient(QdrantClient):
    """A `QdrantClient` whose collections lie in a folder and are searched by Qdrant's own engine.

    Everything written against `QdrantClient` runs on it. What only a server can do raises `UnsupportedError`.

    Example:
        >>> with EdgeClient("points.qdrant") as client:
        ...     client.get_collections()
        CollectionsResponse(collections=[])

    Args:
        path: The store's folder; made if it is not there.
        read_only: Only read, beside a process that may write meanwhile: each call sees what that has acknowledged. The
            folder is not changed, so it may lie on a medium that cannot be written. Calls that change something raise
            `StoreError`.

    Raises:
        RuntimeError: If another client has the folder open to write it, in this process or another.
        StoreError: If the folder holds something else than a store, which is left as it is.
        OSError: If the folder cannot be written.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        backend: EdgeBackend | ReadingBackend = ReadingBackend(path) if read_only else EdgeBackend(path)
        super().__init__(location=":memory:")
        self._client = self._backend = backend
        self._init_options = {"path": str(path)}
        # For a client that nobody closes: flushed and unlocked, but garbage collection is no time to build indexes.
        weakref.finalize(self, backend.close, index=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """Do nothing: `QdrantClient` would close here, the finalizer does."""

    @property
    def writer(self) -> str | None:
        """Which other process writes the store, such as "process 4711 (specter2 ingest)"; None if none does."""
        return self._backend.writer if isinstance(self._backend, ReadingBackend) else None

    def bytes_on_disk(self, collection_name: str) -> int:
        """Return how many bytes a collection takes on the disk.

        Args:
            collection_name: The collection.

        Raises:
            StoreError: If there is no such collection.
        """
        return self._backend.bytes_on_disk(collection_name)

    def optimize(self, collection_name: str) -> None:
        """Build a collection's index now.

        This also happens by itself: when enough was written, at `update_collection`, and at `close`.

        Args:
            collection_name: The collection.

        Raises:
            StoreError: If there is no such collection.
        """
        self._backend.optimize(collection_name)
