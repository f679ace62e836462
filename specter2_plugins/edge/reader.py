"""A store that this process reads and another one may write."""

from __future__ import annotations

import functools
import inspect
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from specter2_plugins.edge import files, locking, sockets, wire
from specter2_plugins.edge.backend import EdgeBackend
from specter2_plugins.edge.refusals import ServerCalls
from specter2_plugins.edge.serving import READS
from specter2_plugins.edge.snapshots import Snapshot, of_temporary_files
from specter2_plugins.edge.store import COLLECTIONS, MARK, read_mark
from specter2_plugins.errors import StoreError

_SECONDS = 10.0
_NAP_SECONDS = 0.02


class ReadingBackend(ServerCalls):
    """The calls of `QdrantClient` that read, on a store that any process may write meanwhile.

    While one writes, it answers them, so that they see what it has acknowledged; at rest they are answered from a
    `Snapshot`. Before each call is looked which of the two holds, so a reader outlives any number of writers.

    Args:
        path: The store's folder, of which nothing is changed.

    Raises:
        StoreError: If it is no store, or its copy has no place.
        RuntimeError: If a process has it that answers no readers.
        OSError: If it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self._path = Path(path)
        self._folder = self._path.absolute()
        self._process = os.getpid()
        self._changing = threading.RLock()
        self._source: _Snapshot | _Owner | None = None
        self._closed = False
        self._current()

    @property
    def writer(self) -> str | None:
        """Which process writes, such as "process 4711 (specter2 ingest)"; None if none does."""
        with self._changing:
            return locking.holder(self._folder) if isinstance(self._current(), _Owner) else None

    def close(self, **options: Any) -> None:
        """Remove the copy, if there is one."""
        with self._changing:
            self._closed = True
            if os.getpid() == self._process:
                self._leave()

    def optimize(self, collection_name: str) -> None:
        """Refuse to build an index."""
        raise _read_only("optimize")

    def bytes_on_disk(self, collection_name: str) -> int:
        """Return how many bytes a collection takes on the disk, in the store's own folder."""
        self._call("get_collection", collection_name)  # raises if there is none
        aliases = {each.alias_name: each.collection_name for each in self._call("get_aliases").aliases}
        return files.bytes_on_disk(self._folder / COLLECTIONS / aliases.get(collection_name, collection_name))

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        until = time.monotonic() + _SECONDS
        while True:
            source = self._current()
            try:
                return source.call(name, *args, **kwargs)
            except _Gone:
                with self._changing:
                    if self._source is source:
                        self._leave()
            except StoreError as error:
                if source.is_current() or time.monotonic() > until:
                    raise type(error)(str(error).replace(str(source.folder), str(self._path))) from None

    def _current(self) -> _Snapshot | _Owner:
        with self._changing:
            if self._closed:
                raise RuntimeError(f"the client of {self._path} is closed; make a new one")
            if os.getpid() != self._process:
                raise RuntimeError(f"the client of {self._path} was opened by process {self._process}; open one here")
            if self._source is None or not self._source.is_current():
                self._leave()
                self._source = self._find()
            return self._source

    def _find(self) -> _Snapshot | _Owner:
        until = time.monotonic() + _SECONDS
        while True:
            # Looked at each time: it may have been deleted or replaced since.
            if not self._folder.is_dir() or read_mark(self._folder, self._path) is None:
                raise StoreError(f"there is no store in {self._path}")
            with locking.at_rest(self._folder) as at_rest:
                if at_rest:
                    return _Snapshot(self._folder, self._path)
            if sockets.AVAILABLE:
                with suppress(OSError):  # it begins or ends just now, or is not this user's
                    return _Owner(self._folder)
            if time.monotonic() > until:
                raise RuntimeError(
                    f"Storage folder {self._path} is already accessed by another instance of Qdrant client: "
                    f"{locking.holder(self._folder)}, which answers no readers"
                )
            time.sleep(_NAP_SECONDS)

    def _leave(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()


class _Gone(Exception):
    """The process that wrote has ended."""


class _Snapshot:
    """Answers from a copy, as long as no writer has opened the store since."""

    def __init__(self, store: Path, path: Path) -> None:
        self._store, self._path, self._seen = store, path, _identity(store)
        with ExitStack() as undo, of_temporary_files(path):
            snapshot = Snapshot(store, path)
            undo.callback(snapshot.remove)
            self.folder = snapshot.folder
            self._backend = EdgeBackend(snapshot.folder, serve=False)
            undo.callback(self._backend.close, index=False)
            self._undo = undo.pop_all()

    def is_current(self) -> bool:
        return _identity(self._store) == self._seen

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            with of_temporary_files(self._path):
                return getattr(self._backend, name)(*args, **kwargs)
        except RuntimeError:
            if self._backend.is_open:
                raise
            raise _Gone from None  # another thread has left it for a newer one

    def close(self) -> None:
        self._undo.close()


class _Owner:
    """Asks the process that writes; as many threads as ask at once have a connection each."""

    def __init__(self, store: Path) -> None:
        self.folder = store
        self._idle: list[socket.socket] = [sockets.connect(store)]

    def is_current(self) -> bool:
        return True

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        message = wire.dumps([name, args, kwargs])
        try:
            connection = self._idle.pop() if self._idle else sockets.connect(self.folder)
        except OSError:
            raise _Gone from None
        with ExitStack() as failed:
            failed.enter_context(closing(connection))
            try:
                sockets.send(connection, message)
                answer = wire.loads(sockets.receive(connection))
            except TimeoutError:
                raise StoreError(f"{locking.holder(self.folder)}, which writes the store, does not answer") from None
            except OSError:
                raise _Gone from None
            failed.pop_all()
        self._idle.append(connection)
        if "error" in answer:
            raise wire.error_of(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _identity(store: Path) -> tuple[str, tuple[int, ...]]:
    """Return what differs once a writer has opened a store, or another one lies in its place."""
    try:
        mark = (store / MARK).stat()
    except OSError:
        return "", ()
    return locking.opening(store), (mark.st_dev, mark.st_ino, mark.st_ctime_ns)


def _read_only(call: str) -> StoreError:
    return StoreError(f"the store was opened to be read (read_only=True), which {call} is not")


def _reading(name: str) -> Callable[..., Any]:
    def call(self: ReadingBackend, *args: Any, **kwargs: Any) -> Any:
        return self._call(name, *args, **kwargs)

    return functools.wraps(getattr(EdgeBackend, name))(call)


def _refused(name: str) -> Callable[..., Any]:
    def refuse(self: ReadingBackend, *args: Any, **kwargs: Any) -> Any:
        raise _read_only(name)

    return functools.wraps(getattr(EdgeBackend, name))(refuse)


for _name, _method in inspect.getmembers(EdgeBackend, inspect.isfunction):
    if _name in READS:
        setattr(ReadingBackend, _name, _reading(_name))
    elif not _name.startswith("_") and _name not in {*vars(ReadingBackend), *vars(ServerCalls)}:
        setattr(ReadingBackend, _name, _refused(_name))
