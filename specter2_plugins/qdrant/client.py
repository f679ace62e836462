"""Opening a Qdrant store: a folder on disk or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from specter2_plugins.errors import StoreError


@contextmanager
def open_client(
    store: str | Path | None = None, url: str | None = None, api_key: str | None = None
) -> Iterator[QdrantClient]:
    """Open a store and close it at the end.

    Args:
        store: A folder for Qdrant's embedded engine; made if it is not there.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key.

    Raises:
        StoreError: If neither or both are given, the folder is in use or cannot be written, or the server cannot be
            reached or refuses a request.
    """
    if (store is None) == (url is None):
        raise StoreError("name a store folder or a server's URL, one of the two")
    try:
        client = (
            QdrantClient(url=url, api_key=api_key, check_compatibility=False)
            if store is None
            else QdrantClient(path=str(store))
        )
    except RuntimeError as error:
        if "already accessed" not in str(error):
            raise
        raise StoreError(f"the store {store} is in use by another process; close it, or run a Qdrant server") from None
    except OSError as error:
        raise StoreError(f"cannot open the store {store}: {error.strerror or error}") from None
    try:
        yield client
    except ResponseHandlingException as error:
        raise StoreError(f"cannot reach the Qdrant server {url}: {error}") from None
    except UnexpectedResponse as error:
        raise StoreError(f"the Qdrant server {url} answered {error.status_code} {error.reason_phrase}") from None
    finally:
        client.close()
