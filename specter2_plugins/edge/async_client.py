"""`AsyncQdrantClient` on a folder: the embedded client's calls, each in a thread."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qdrant_client import AsyncQdrantClient
from qdrant_client.async_client_base import AsyncQdrantBase
from typing_extensions import Self

from specter2_plugins.edge.backend import EdgeBackend
from specter2_plugins.edge.client import EdgeClient
from specter2_plugins.edge.reader import ReadingBackend


class AsyncEdgeClient(AsyncQdrantClient):
    """An `AsyncQdrantClient` whose collections lie in a folder and are searched by Qdrant's own engine.

    Its calls are those of `EdgeClient`, and give the same answers and errors; other tasks go on while they run.

    Args:
        store: The store's folder, made if it is not there; or an `EdgeClient` that has it open, to share it, as
            frameworks ask for that take a client of each kind. Then its owner closes it.
        read_only: Only read, as `EdgeClient`; of a folder.

    Raises:
        RuntimeError: If another client has the folder open.
        StoreError: If the folder holds something else than a store, which is left as it is.
        OSError: If the folder cannot be written.

    Example:
        >>> async def collections() -> list[str]:
        ...     async with AsyncEdgeClient("papers.qdrant") as client:
        ...         return [each.name for each in (await client.get_collections()).collections]
        >>> asyncio.run(collections())
        []
    """

    def __init__(self, store: str | Path | EdgeClient, *, read_only: bool = False) -> None:
        backend: EdgeBackend | ReadingBackend
        if isinstance(store, EdgeClient):
            backend = store._backend
        else:
            backend = ReadingBackend(store) if read_only else EdgeBackend(store)
        super().__init__(location=":memory:")
        owned = not isinstance(store, EdgeClient)
        self._client = _AsyncBackend(backend, owned)
        self._init_options = {"path": str(store)} if owned else dict(store.init_options)  # type: ignore[union-attr]
        if owned:
            weakref.finalize(self, backend.close, index=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def optimize(self, collection_name: str) -> None:
        """Build a collection's index now, as `EdgeClient.optimize`.

        Args:
            collection_name: The collection.

        Raises:
            StoreError: If there is no such collection.
        """
        await self._client.optimize(collection_name)  # type: ignore[attr-defined]


class _AsyncBackend(AsyncQdrantBase):
    """A backend's calls as coroutines, but for those that `AsyncQdrantClient` calls as functions."""

    def __init__(self, backend: EdgeBackend | ReadingBackend, owned: bool) -> None:
        super().__init__()
        self._backend = backend
        self._owned = owned

    async def optimize(self, collection_name: str) -> None:
        await asyncio.to_thread(self._backend.optimize, collection_name)

    async def close(self, **options: Any) -> None:
        if self._owned:
            await asyncio.to_thread(self._backend.close, **options)


def _handed_on(name: str, is_async: bool) -> Callable[..., Any]:
    def call(self: _AsyncBackend, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._backend, name)(*args, **kwargs)

    async def call_in_a_thread(self: _AsyncBackend, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(call, self, *args, **kwargs)

    return call_in_a_thread if is_async else call


for _name, _method in inspect.getmembers(AsyncQdrantBase, inspect.isfunction):
    if not _name.startswith("_") and _name not in vars(_AsyncBackend):
        setattr(_AsyncBackend, _name, _handed_on(_name, inspect.iscoroutinefunction(_method)))
