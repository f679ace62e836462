"""What the user named -> the files to read, checked before the first is read."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import TypeAlias, cast

from specter2_plugins.errors import PaperError
from specter2_plugins.readers.stream import Stream

Sources: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A file, a pattern such as `dump/*.jsonl.gz`, "-" for stdin, or several of them."""

_STDIN = "-"
_WILDCARDS = "*?["


@dataclass
class Input:
    """A file, a pipe or stdin.

    Args:
        path: Where it is; None for stdin.
        encoding: Of its text; None to find it out.
    """

    path: Path | None
    encoding: str | None = None
    _piped: Stream | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "stdin" if self.path is None else str(self.path)

    @property
    def size(self) -> int | None:
        """Bytes, or None where that is not known before it is read."""
        return None if self.path is None or self.path.is_fifo() else self.path.stat().st_size

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Open it at its beginning; a pipe, which has only one, stays open and is the same stream each time.

        Raises:
            PaperError: If it cannot be read.
        """
        try:
            if self.path is None:
                self._piped = self._piped or Stream(self.name, sys.stdin.buffer, self.encoding)  # type: ignore[arg-type]
                yield self._piped
            elif self.path.is_fifo():
                self._piped = self._piped or Stream(self.name, self.path.open("rb"), self.encoding)
                yield self._piped
            else:
                with self.path.open("rb") as file:
                    yield Stream(self.name, file, self.encoding)
        except OSError as error:
            raise PaperError(f"cannot read {self.name}: {error.strerror or error}") from None


@dataclass
class Content(Input):
    """What is in memory, such as the answer of a service.

    Args:
        path: None.
        encoding: None.
        title: What messages call it.
        content: Its bytes.
    """

    title: str = ""
    content: bytes = b""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.title

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Open it at its beginning."""
        yield Stream(self.title, cast("BufferedIOBase", BytesIO(self.content)), self.encoding)


def find_inputs(sources: Sources, encoding: str | None = None) -> list[Input]:
    """Return all files of the sources, patterns in alphabetical order.

    Args:
        sources: What the user named.
        encoding: Of their text; None to find it out.

    Raises:
        PaperError: If one is missing, a folder, or a pattern that no file matches.
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    return [Input(path, encoding) for source in sources for path in _find(os.fspath(source))]


def _find(source: str) -> list[Path | None]:
    if source == _STDIN:
        return [None]
    path = Path(source)
    if path.is_dir():
        raise PaperError(f"cannot read {source}: it is a folder. Name the files in it, for instance {path / '*.jsonl'}")
    if path.exists():
        return [path]
    if not any(wildcard in source for wildcard in _WILDCARDS):
        raise PaperError(f"cannot read {source}: No such file or directory")
    # Path.glob takes no absolute patterns.
    names = sorted(glob.glob(source, recursive=True))  # noqa: PTH207
    files: list[Path | None] = [path for path in map(Path, names) if not path.is_dir()]
    if not files:
        raise PaperError(f"no file matches {source}")
    return files
