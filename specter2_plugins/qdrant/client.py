"""Opening a Qdrant store: a folder on disk or a server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from qdrant_client import QdrantClient

from specter2_plugins.addresses import is_hidden, secrets_of, shown, without_secrets
from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.edge import EdgeClient, is_local_mode
from specter2_plugins.qdrant.faults import STORE_ERRORS, explain

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@contextmanager
def open_client(
    store: str | Path | None = None,
    url: str | None = None,
    api_key: str | None = None,
    *,
    grpc: bool = False,
    grpc_port: int = 6334,
    timeout: int = 60,
    create: bool = True,
) -> Iterator[QdrantClient]:
    """Open a store and close it at the end.

    Args:
        store: A folder for Qdrant's embedded engine; one that qdrant-client's local mode wrote, for instance through
            LangChain, opens in that mode.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key.
        grpc: Speak gRPC with the server instead of HTTP.
        grpc_port: The server's port for that.
        timeout: Seconds to wait for one answer of the server.
        create: Make a store's folder if it is not there; what only reads says False, so that a mistyped name is no
            empty store.

    Raises:
        StoreError: If neither or both are given, the folder is not there and not to be made, it is in use or cannot be
            written, the URL or the key cannot be one, or the server cannot be reached or refuses a request.
    """
    if (store is None) == (url is None):
        raise StoreError("name a store folder or a server's URL, one of the two")
    name = f"the store {store}" if url is None else f"the Qdrant server {shown(url)}"
    name += f" (gRPC on port {grpc_port})" if grpc and url is not None else ""
    try:
        client = (
            _remote(str(url), api_key, grpc, grpc_port, timeout) if store is None else _open_folder(Path(store), create)
        )
    except RuntimeError as error:
        if "already accessed" not in str(error):
            raise
        raise StoreError(f"{name} is open already; close it there, or run a Qdrant server") from None
    except OSError as error:
        raise explain(error, name) from None
    try:
        yield client
    except BaseException as error:
        # Who is stopped waits for no index.
        client.close(index=False)
        # A pipe that breaks is the output's: a server's connection raises no bare OSError.
        if isinstance(error, STORE_ERRORS) and not isinstance(error, BrokenPipeError):
            raise explain(error, name, api_key, *(secrets_of(url) if url is not None else ())) from None
        raise
    client.close()


def _remote(url: str, api_key: str | None, grpc: bool, grpc_port: int, timeout: int) -> QdrantClient:
    # A key that was read from a file often ends with its line.
    key = api_key.strip() if api_key is not None else None
    if key is not None and not (key.isascii() and key.isprintable()):
        raise StoreError("the API key holds a character that no key can have, such as a line's end")
    try:
        if is_hidden(url):
            raise ValueError("a name or password before its @ holds /, ?, # or ;: write %2F, %3F, %23 or %3B")
        host = urlsplit(url if "://" in url else f"//{url}").hostname
        if not host:
            raise ValueError("it names no host")
        with warnings.catch_warnings():
            if host in _LOOPBACK:
                warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
            return QdrantClient(
                url=url,
                api_key=key,
                prefer_grpc=grpc,
                grpc_port=grpc_port,
                timeout=timeout,
                check_compatibility=False,
            )
    except ValueError as error:
        said = without_secrets(str(error), url, *secrets_of(url), key)
    # Outside of the handler, so that what was caught, which may hold the password, is no context of this one.
    raise StoreError(f"{shown(url)!r} is no URL of a Qdrant server, such as http://localhost:6333: {said}")


def _open_folder(path: Path, create: bool) -> QdrantClient:
    if not create and not (path.is_dir() and any(path.iterdir())):
        raise StoreError(f"there is no store {path}; `specter2 ingest FILE --store {path}` makes it")
    if is_local_mode(path):
        return QdrantClient(path=str(path), force_disable_check_same_thread=True)
    return EdgeClient(path)
