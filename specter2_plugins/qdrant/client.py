"""Opening a Qdrant store: a folder on disk or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qdrant_client import QdrantClient

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge import EdgeClient
from specter2_plugins.qdrant.faults import STORE_ERRORS, explain


@contextmanager
def open_client(
    store: str | Path | None = None,
    url: str | None = None,
    api_key: str | None = None,
    *,
    grpc: bool = False,
    timeout: int = 60,
    create: bool = True,
) -> Iterator[QdrantClient]:
    """Open a store and close it at the end.

    Args:
        store: A folder for Qdrant's embedded engine.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key.
        grpc: Speak gRPC with the server, on port 6334, instead of HTTP.
        timeout: Seconds to wait for one answer of the server.
        create: Make a store's folder if it is not there; what only reads says False, so that a mistyped name is no
            empty store.

    Raises:
        StoreError: If neither or both are given, the folder is not there and not to be made, it is in use or cannot be
            written, or the server cannot be reached or refuses a request.
    """
    if (store is None) == (url is None):
        raise StoreError("name a store folder or a server's URL, one of the two")
    if store is not None and not create and not Path(store).is_dir():
        raise StoreError(f"there is no store {store}; `specter2 ingest FILE --store {store}` makes it")
    name = f"the store {store}" if url is None else f"the Qdrant server {url}"
    try:
        client = (
            EdgeClient(str(store))
            if url is None
            else QdrantClient(url=url, api_key=api_key, prefer_grpc=grpc, timeout=timeout, check_compatibility=False)
        )
    except RuntimeError as error:
        if "already accessed" not in str(error):
            raise
        raise StoreError(f"{name} is in use by another process; close it, or run a Qdrant server") from None
    except OSError as error:
        raise explain(error, name) from None
    try:
        yield client
    except STORE_ERRORS as error:
        raise explain(error, name) from None
    finally:
        client.close()
