"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from specter2_plugins.errors import Specter2Error

_TOKEN_BYTES = 4


@contextmanager
def writing(path: Path, mode: str = "w", *, keep: bool = False) -> Iterator[IO[Any]]:
    """Open a file beside another, which it replaces at the end; text is UTF-8, a line at a time.

    Args:
        path: The file to write; a link stays, and what it leads to is replaced. A pipe or device is written directly.
        mode: "w" or "wb".
        keep: Whether what is written until an error counts as the whole; by default it is removed.

    Raises:
        Specter2Error: If it cannot be written.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "buffering": 1}
    target = Path(os.path.realpath(path))
    direct = target.exists() and not target.is_file()
    beside = target if direct else target.with_name(f"{target.name}.{secrets.token_hex(_TOKEN_BYTES)}.unfinished")
    try:
        # Exclusive creation follows no link that somebody put there.
        file = beside.open(mode if direct else mode.replace("w", "x"), **text)
    except OSError as error:
        raise Specter2Error(f"cannot write {path}: {error.strerror}") from None
    done = False
    try:
        with file:
            yield file
        done = True
    finally:
        if not direct:
            if done or keep:
                beside.replace(target)
            else:
                beside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        Specter2Error: If it cannot be written.
    """
    with writing(path) as file:
        file.write(text)


def check_writable(path: Path) -> None:
    """Raise if a file cannot be written, without touching what is there.

    Raises:
        OSError: If there can be no such file.
    """
    target = Path(os.path.realpath(path))
    problem = None
    if target.is_dir():
        problem = errno.EISDIR
    elif not target.parent.is_dir():
        problem = errno.ENOENT
    elif not os.access(target.parent, os.W_OK) and not (target.exists() and not target.is_file()):
        problem = errno.EACCES
    if problem is not None:
        raise OSError(problem, os.strerror(problem), str(path))
