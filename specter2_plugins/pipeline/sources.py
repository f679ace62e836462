"""What identifies the source of a paper, from one run to the next."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from specter2_plugins.addresses import shown
from specter2_plugins.errors import StoreError
from specter2_plugins.sources import is_source

_STDIN = "stdin"  # what readers call it; a file of that name is taken for it, and has to be given a source's name
_DIGEST_BYTES = 6
_LONGEST = 255


def source_of(file: str | os.PathLike[str]) -> str | None:
    """Return the name of the source that a file is: the same by whatever path, pattern or link it is reached.

    It is the file's own name and a digest of the path that all links lead to, so that a server is not told where
    somebody's files lie. An address, such as s3://bucket/folder, is taken as it is, but for secrets in it.

    Returns:
        The name, or None for what has no identity: the standard input, a pipe.
    """
    named = os.fspath(file)
    if is_source(named):
        return named
    if "://" in named:
        address = shown(named).rstrip("/")
        return _name(address.rpartition("/")[2], address)
    path = Path(named)
    if named == _STDIN or not (path.is_file() or path.is_dir()):
        return None
    path = path.resolve()
    return _name(path.name, str(path))


def check_name(source: str) -> str:
    """Return the name of a source that somebody gave.

    Raises:
        StoreError: If it is blank, too long, or not printable.
    """
    if not source.strip() or not source.isprintable() or len(source.encode()) > _LONGEST:
        raise StoreError(f"the source's name is {source[:60]!a}, expected a short printable text such as 'openalex'")
    return source


def _name(last: str, whole: str) -> str:
    digest = hashlib.blake2b(os.fsencode(whole), digest_size=_DIGEST_BYTES).hexdigest()
    printable = "".join(character if character.isprintable() else "?" for character in last)
    return f"{printable}#{digest}"
