"""A pytest plugin that runs other projects' Qdrant tests on the embedded engine, where they would use local mode.

Run, in the folder of such a project's source distribution (pip download --no-deps --no-binary :all: NAME):
python -m pytest -p benchmarks.on_edge tests
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from qdrant_client import AsyncQdrantClient, QdrantClient

from specter2_plugins.edge import AsyncEdgeClient, EdgeClient


def _on_edge(client: type, embedded: type) -> None:
    """Have a client's class open a folder of the embedded engine for a path, and a new one for ":memory:"."""
    made = client.__init__  # type: ignore[misc]

    def init(self: Any, location: str | None = None, *args: Any, **options: Any) -> None:
        path = options.get("path")
        if isinstance(self, embedded) or (location != ":memory:" and path is None):
            made(self, location, *args, **options)
            return
        self._folder = None if path else TemporaryDirectory(prefix="on-edge-", ignore_cleanup_errors=True)
        self._kept = embedded(path or self._folder.name)  # type: ignore[union-attr]
        made(self, ":memory:")
        self._client = self._kept._client

    client.__init__ = init  # type: ignore[misc]


_on_edge(QdrantClient, EdgeClient)
_on_edge(AsyncQdrantClient, AsyncEdgeClient)
