"""Messages between processes of one machine, through a socket in the store's folder."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".socket"
"""The socket's name in the folder."""

GREETING = b"specter2 store 1"
"""What the owner says first; a socket that a fork of it has inherited stays silent."""

_LENGTH = struct.Struct(">Q")
_GREETING_SECONDS = 5.0
_ANSWER_SECONDS = 300.0
_WAITING = 64

AVAILABLE = hasattr(socket, "AF_UNIX")
"""Whether this system has such sockets; Python on Windows has none."""


def listen(folder: Path) -> socket.socket:
    """Make the socket in a folder whose lock is held; one that an earlier holder left is replaced.

    Raises:
        OSError: If the file system has no sockets.
    """
    (folder / NAME).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(folder) as address:
            listener.bind(address)
        listener.listen(_WAITING)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(folder: Path) -> socket.socket:
    """Reach the owner of a folder.

    Raises:
        OSError: If nobody listens, or not to this user.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_GREETING_SECONDS)
        with _address(folder) as address:
            connection.connect(address)
        if receive(connection) != GREETING:
            raise ConnectionError("it is of another version of this package")
        connection.settimeout(_ANSWER_SECONDS)
    except BaseException:
        connection.close()
        raise
    return connection


def send(connection: socket.socket, message: bytes) -> None:
    """Send a message."""
    connection.sendall(_LENGTH.pack(len(message)) + message)


def receive(connection: socket.socket) -> bytes:
    """Wait for a message.

    Raises:
        ConnectionError: If the other side has ended.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 2**20))
        if not part:
            raise ConnectionError("the other side has ended")
        parts += part
    return bytes(parts)


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the socket's address, which holds 100 bytes at most; Linux has a short name for any open folder."""
    if sys.platform != "linux":
        yield str(folder / NAME)
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{NAME}"
    finally:
        os.close(opened)
