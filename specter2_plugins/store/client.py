"""Opening a Qdrant store: a folder on disk or a server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from qdrant_client import QdrantClient
from qdrant_client.client_base import QdrantBase
from typing_extensions import Self

from specter2_plugins.addresses import is_hidden, secrets_of, shown, without_secrets
from specter2_plugins.edge import EdgeClient, is_local_mode
from specter2_plugins.edge.locking import holder
from specter2_plugins.errors import StoreError
from specter2_plugins.store.credentials import API_KEY_VARIABLE, basic_authorization, find_api_key
from specter2_plugins.store.faults import STORE_ERRORS, explain

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _Opened(QdrantClient):
    """A client that knows what to call its store; `with` closes it, and says in one line what went wrong."""

    store = "the Qdrant store"
    secrets: tuple[str | None, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        _, error, _ = raised
        # Who is stopped waits for no index.
        self.close(**({} if error is None else {"index": False}))
        if isinstance(error, STORE_ERRORS):
            with explained(self):
                raise error


class _FolderClient(_Opened, EdgeClient):
    """Qdrant's embedded engine on a folder."""


@contextmanager
def explained(client: QdrantBase) -> Iterator[None]:
    """Turn what a store raises into a `StoreError` of one line, without the store's secrets."""
    try:
        yield
    except BrokenPipeError:  # the output's: a server's connection raises no bare OSError
        raise
    except STORE_ERRORS as error:
        name, secrets = getattr(client, "store", _Opened.store), getattr(client, "secrets", ())
        raise explain(error, name, *secrets) from None


def open_client(
    store: str | Path | None = None,
    url: str | None = None,
    api_key: str | None = None,
    *,
    api_key_file: str | Path | None = None,
    grpc: bool = False,
    grpc_port: int = 6334,
    timeout: int = 60,
    create: bool = True,
    read_only: bool = False,
) -> _Opened:
    """Open a store: a `QdrantClient` that `close`, or the end of a `with`, closes.

    Example:
        >>> with open_client(":memory:") as client:
        ...     client.get_collections().collections
        []

    Args:
        store: A folder for Qdrant's embedded engine; one that qdrant-client's local mode wrote, for instance through
            LangChain, opens in that mode. ":memory:" is qdrant-client's local mode without a folder.
        url: A Qdrant server, instead of a folder. A name and a password in it, as of a proxy before the server, are
            sent as basic authentication.
        api_key: The server's key; by default what the variable QDRANT_API_KEY holds.
        api_key_file: A file that holds the key, instead.
        grpc: Speak gRPC with the server instead of HTTP.
        grpc_port: The server's port for that.
        timeout: Seconds to wait for one answer of the server.
        create: Make a store's folder if it is not there; what only reads says False, so that a mistyped name is no
            empty store.
        read_only: Only read a store's folder, beside a process that may write it meanwhile; nothing in it is changed.
            A folder of local mode has no such way: it is opened, and locked, as ever.

    Raises:
        StoreError: If neither or both are given, the folder is not there and not to be made, it is in use or cannot be
            written, the URL or the key cannot be one, or the server cannot be reached or refuses a request.
    """
    if (store is None) == (url is None):
        raise StoreError("name a store folder or a server's URL, one of the two")
    if read_only and url is not None:
        raise StoreError("read_only is for a folder; give a server an API key that may only read")
    name = f"the store {store}" if url is None else f"the Qdrant server {shown(url)}"
    name += f" (gRPC on port {grpc_port})" if grpc and url is not None else ""
    key = find_api_key(api_key, api_key_file) if url is not None else None
    try:
        client = (
            _remote(str(url), key, grpc, grpc_port, timeout)
            if store is None
            else _open_folder(Path(store), create, read_only)
        )
    except RuntimeError as error:
        if "already accessed" not in str(error):
            raise
        who = holder(Path(str(store)))
        raise StoreError(f"{name} is open already in {who}; close it there, or run a Qdrant server") from None
    except OSError as error:
        raise explain(error, name) from None
    client.store = name
    return client


def _remote(url: str, key: str | None, grpc: bool, grpc_port: int, timeout: int) -> _Opened:
    try:
        if is_hidden(url):
            raise ValueError("a name or password before its @ holds /, ?, # or ;: write %2F, %3F, %23 or %3B")
        parts = urlsplit(url if "://" in url else f"//{url}")
        if not parts.hostname:
            raise ValueError("it names no host")
        if parts.query or parts.fragment:
            raise ValueError(
                f"what follows ? or # is not sent to a server; an API key goes into a file or {API_KEY_VARIABLE}"
            )
        authorization = basic_authorization(url)
        loopback = parts.hostname in _LOOPBACK
        scheme = parts.scheme or ("http" if key is None else "https")  # as QdrantClient takes it
        if authorization is not None and scheme == "http" and not loopback:
            warnings.warn("The password of the URL is used with an insecure connection.", stacklevel=2)
        with warnings.catch_warnings():
            if loopback:
                warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
            opened = _Opened(
                url=url,
                api_key=key,
                headers={"authorization": authorization} if authorization is not None else None,
                prefer_grpc=grpc,
                grpc_port=grpc_port,
                timeout=timeout,
                check_compatibility=False,
            )
            opened.secrets = (key, (authorization or "").rpartition(" ")[2], *secrets_of(url))
            return opened
    except ValueError as error:
        said = without_secrets(str(error), url, *secrets_of(url), key)
    # Outside of the handler, so that what was caught, which may hold the password, is no context of this one.
    raise StoreError(f"{shown(url)!r} is no URL of a Qdrant server, such as http://localhost:6333: {said}")


def _open_folder(path: Path, create: bool, read_only: bool) -> _Opened:
    if str(path) == ":memory:":
        return _Opened(":memory:", force_disable_check_same_thread=True)
    if (read_only or not create) and not (path.is_dir() and any(path.iterdir())):
        raise StoreError(f"there is no store {path}; `specter2 ingest FILE --store {path}` makes it")
    if is_local_mode(path):
        return _Opened(path=str(path), force_disable_check_same_thread=True)
    return _FolderClient(path, read_only=read_only)
