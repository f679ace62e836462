"""The lock of a store's folder: one process writes, and says in the lock's file which it is.

The system's lock (flock) counts, and ends with its process; the file's content only describes the holder. Who copies a
store at rest holds the lock too, shared, for that moment; who wants to write waits for it.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import portalocker

from specter2_plugins.printable import from_json

NAME = ".lock"
"""The file's name; qdrant-client's local mode locks the same."""

_NOW = portalocker.LockFlags.NON_BLOCKING
_ALONE, _SHARED = portalocker.LockFlags.EXCLUSIVE | _NOW, portalocker.LockFlags.SHARED | _NOW
_COPY_SECONDS = 60.0
_NAP_SECONDS = 0.02


class StoreLock:
    """A writer's lock on a folder.

    Args:
        folder: The folder.

    Raises:
        RuntimeError: If another client has it, in this process or another.
        OSError: If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = _opened(folder, os.O_RDWR | os.O_CREAT)
        try:
            self._acquire(folder)
            self._describe({"pid": os.getpid(), "command": _command()})
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let others have the folder."""
        with suppress(OSError):  # a disk that is full, or read-only by now: the lock itself is what counts
            self._describe({})
        self._file.close()

    def _acquire(self, folder: Path) -> None:
        until = time.monotonic() + _COPY_SECONDS
        while not _take(self._file, _ALONE):
            if not _take(self._file, _SHARED) or time.monotonic() > until:
                raise in_use(folder)
            portalocker.unlock(self._file)  # it is being copied
            time.sleep(_NAP_SECONDS)

    def _describe(self, holder: dict[str, object]) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump({**holder, "opening": secrets.token_hex(8)}, self._file)
        self._file.flush()


@contextmanager
def at_rest(folder: Path) -> Iterator[bool]:
    """Keep writers out of a folder while it is copied; give False if one has it.

    Raises:
        OSError: If there is a lock that this user may not read, so that nobody knows.
    """
    with ExitStack() as held:
        free = True
        with suppress(FileNotFoundError):  # a copy without a lock
            file = held.enter_context(_opened(folder, os.O_RDONLY))
            with suppress(OSError):  # a file system without locks, which no writer is told of either
                free = _take(file, _SHARED)
        yield free


def opening(folder: Path) -> str:
    """Return a text that is another one whenever a writer has opened or closed the folder."""
    try:
        return (folder / NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def holder(folder: Path) -> str:
    """Return who has the folder, such as "process 4711 (specter2 ingest)"."""
    try:
        held = from_json(opening(folder))
        return f"process {int(held['pid'])} ({held['command']})"
    except (ValueError, KeyError, TypeError):
        return "a process that does not say which"


def in_use(folder: Path) -> RuntimeError:
    """Return the error that says who has the folder, as qdrant-client's local mode begins it."""
    return RuntimeError(
        f"Storage folder {folder} is already accessed by another instance of Qdrant client: {holder(folder)}."
        " It can be read meanwhile (read_only=True); for several that write, use Qdrant server instead."
    )


def _opened(folder: Path, flags: int) -> IO[str]:
    descriptor = os.open(folder / NAME, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
    return os.fdopen(descriptor, "r+" if flags & os.O_RDWR else "r", encoding="utf-8")


def _take(file: IO[str], flags: portalocker.LockFlags) -> bool:
    try:
        portalocker.lock(file, flags)
    except portalocker.exceptions.AlreadyLocked:
        return False
    except portalocker.exceptions.LockException as error:
        raise OSError(f"it cannot be locked: {error}") from None
    return True


def _command() -> str:
    """Return the program and its subcommand; what else is on its command line may be secret."""
    program, *arguments = sys.argv or [""]
    path = Path(program)
    name = path.parent.name if path.name == "__main__.py" else path.name  # as `python -m` runs a package
    name = "python" if name in ("", "-c") else name
    return " ".join([name, *(word for word in arguments[:1] if word.isalpha())])
