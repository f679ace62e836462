"""The owner of a store answers other processes that read it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from specter2_plugins.edge import sockets, wire
from specter2_plugins.edge.store import MARK

READS = frozenset(
    {
        *("query_points", "query_batch_points", "query_points_groups", "search_matrix_pairs", "search_matrix_offsets"),
        *("scroll", "retrieve", "count", "facet", "get_collection", "get_collections", "collection_exists"),
        *("get_aliases", "get_collection_aliases", "info"),
    }
)
"""The calls that change nothing."""

_log = logging.getLogger(__name__)


class Serving:
    """Answers the calls of readers, each reader in a thread of its own, until it is stopped.

    Args:
        folder: The store's folder, whose lock the caller holds. Who may read its files may ask.
        owner: What has the calls.
        is_open: Whether the owner still answers.
    """

    def __init__(self, folder: Path, owner: Any, is_open: Callable[[], bool]) -> None:
        self._folder, self._owner, self._is_open = folder, owner, is_open
        self._process = os.getpid()
        self._connections: set[socket.socket] = set()
        self._changing = threading.Lock()
        self._listener: socket.socket | None = None
        if not sockets.AVAILABLE:
            return
        try:
            self._listener = sockets.listen(folder)
            readable = (folder / MARK).stat().st_mode & 0o444
            (folder / sockets.NAME).chmod(0o600 | readable >> 1)  # to connect is to write, as the system sees it
        except OSError as error:
            _log.info("%s: other processes cannot read it meanwhile: %s", folder, error)
            return
        threading.Thread(target=self._accept, name="specter2-readers", daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        listener, self._listener = self._listener, None
        if listener is None or os.getpid() != self._process:
            return
        with suppress(OSError):
            sockets.connect(self._folder).close()  # wakes `accept`, which a close does not everywhere
        listener.close()
        with suppress(OSError):
            (self._folder / sockets.NAME).unlink()
        with self._changing:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while (listener := self._listener) is not None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._changing:
                self._connections.add(connection)
            threading.Thread(target=self._answer, args=[connection], name="specter2-reader", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            sockets.send(connection, sockets.GREETING)
            while self._listener is not None:
                call = sockets.receive(connection)
                try:
                    name, args, kwargs = wire.loads(call)
                    if name not in READS:
                        raise ValueError(f"{name} is no call that reads")
                    answer = wire.dumps({"answer": getattr(self._owner, name)(*args, **kwargs)})
                except Exception as error:
                    if not self._is_open():
                        break
                    answer = wire.dumps({"error": wire.describe_error(error)})
                sockets.send(connection, answer)
        with self._changing:
            self._connections.discard(connection)
