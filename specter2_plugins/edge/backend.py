"""qdrant-client's interface on the engine's shards."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from qdrant_client import models

from specter2_plugins.edge.administration import Administration
from specter2_plugins.edge.refusals import refuse_options
from specter2_plugins.edge.serving import Serving
from specter2_plugins.edge.store import Store
from specter2_plugins.edge.writes import Writes


class EdgeBackend(Administration, Writes):
    """Collections on disk, each a shard of Qdrant's engine in this process.

    The calls, their arguments and their results are those of `QdrantClient`.

    Args:
        path: The store's folder; made if it is not there.
        serve: Answer other processes that read the store meanwhile.

    Raises:
        RuntimeError: If another client has the folder open.
        StoreError: If the folder holds something else than a store.
        OSError: If the folder cannot be written.
    """

    def __init__(self, path: str | Path, *, serve: bool = True) -> None:
        super().__init__()
        self._store = Store(Path(path))
        self._serving = Serving(Path(path).absolute(), self, lambda: self.is_open) if serve else None

    @property
    def is_open(self) -> bool:
        """Whether it still answers."""
        return not self._store.closed

    def info(self) -> models.VersionInfo:
        """Return the engine and its version."""
        return models.VersionInfo(title="qdrant edge", version=metadata.version("qdrant-edge-py"), commit=None)

    def close(self, *, index: bool = True, **options: Any) -> None:
        """Index what is worth it, flush, and let others open the folder.

        Args:
            index: False leaves what was written since the last indexing to a linear scan.
            options: What `QdrantClient.close` takes for servers.
        """
        refuse_options("close", options)
        try:
            self._store.settle(index=index)
        finally:
            if self._serving is not None:
                self._serving.stop()
            self._store.close(index=False)
