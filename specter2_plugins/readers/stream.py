"""The bytes of a source, decompressed, with a bound on what a small file can turn into."""

from __future__ import annotations

import bz2
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BufferedIOBase, BufferedReader, RawIOBase
from tempfile import TemporaryFile
from typing import IO, Any, TypeAlias, cast

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require
from specter2_plugins.readers.records import MAX_RECORD, NOT_UTF8

HEAD = 64 * 2**10
"""Bytes that a format is found by."""

_CHUNK = 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"

# Text and records compress 3 to 20 times. A bomb compresses 1,000 times, and is one only when it is large.
_BOMB_RATIO = 200
_BOMB_BYTES = 256 * 2**20

_Opened: TypeAlias = tuple[Any, type[Exception]]
"""A file that decompresses, and what it raises, beside EOFError and OSError, where it is damaged."""


class Stream:
    """A source from its beginning to its end, or to where it is damaged.

    Damage ends the stream like the end of a file, so that what came before it is used; `damage` then says what it is.

    Args:
        name: What the source is called in messages.
        file: Its bytes, compressed or not.

    Raises:
        PaperError: If it is an archive, UTF-16, or cannot be read at all.
    """

    def __init__(self, name: str, file: BufferedIOBase) -> None:
        self.name = name
        self.damage: str | None = None
        self.undecodable = NOT_UTF8
        self._source = file
        self._raw = _Counting(file)
        buffered: BufferedReader = BufferedReader(cast("RawIOBase", self._raw), _CHUNK)
        magic = buffered.peek(4)[:4]
        if magic == _ZIP:
            raise PaperError(
                f"{name} is a zip archive. Unpack it first, or pipe it in: unzip -p {name} | specter2 ... -"
            )
        decompress = next((found for start, found in _COMPRESSIONS.items() if magic.startswith(start)), _as_it_is)
        self._compressed = decompress is not _as_it_is
        self._file, self._broken = decompress(buffered)
        self._out = 0
        self._rest = b""
        self._rest = self.head = self._read_head()
        if self.damage and not self.head:
            raise PaperError(f"cannot read {name}: {self.damage}")

    @property
    def taken(self) -> int:
        """Bytes of the source that were read so far, compressed where it is."""
        return self._raw.count

    def read(self, size: int = _CHUNK) -> bytes:
        """Up to that many bytes; none at the end.

        Raises:
            PaperError: If the disk fails, or a small file grows beyond all measure.
        """
        if self._rest:
            chunk, self._rest = self._rest[:size], self._rest[size:]
            return chunk
        if self.damage is not None:
            return b""
        try:
            chunk = self._file.read1(size)
        except (EOFError, OSError, self._broken) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            self.damage = f"damaged or cut off: {error}"
            return b""
        self._out += len(chunk)
        if self._out > _BOMB_BYTES and self._out > _BOMB_RATIO * self._raw.count:
            raise PaperError(
                f"{self.name} holds more than {_BOMB_RATIO} times its size, which papers do not. If it is no zip bomb, "
                "decompress it yourself"
            )
        return chunk

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Lines without their ends, numbered from 1; None for one that is longer than a record may be."""
        number = 1
        parts: list[bytes] = []
        size = 0
        while chunk := self.read():
            first, *others = chunk.split(b"\n")
            size += len(first)
            if size <= MAX_RECORD:
                parts.append(first)
            else:
                parts.clear()
            if not others:
                continue
            yield number, b"".join(parts) if size <= MAX_RECORD else None
            last = others.pop()
            for line in others:
                number += 1
                yield number, line
            number += 1
            parts, size = [last], len(last)
        # What damage left of a line is part of the damage.
        if size and self.damage is None:
            yield number, b"".join(parts) if size <= MAX_RECORD else None

    def seekable(self) -> IO[bytes]:
        """All of it as a file to jump about in: the file itself, or a temporary copy of what is compressed or piped.

        Raises:
            PaperError: If it is damaged.
        """
        if not self._compressed and self._source.seekable():
            self._source.seek(0)
            return cast("IO[bytes]", self._source)
        copy = TemporaryFile()  # noqa: SIM115 - the caller closes it
        while chunk := self.read():
            copy.write(chunk)
        if self.damage is not None:
            raise PaperError(f"cannot read {self.name}: {self.damage}")
        copy.seek(0)
        return copy

    def _read_head(self) -> bytes:
        head = b""
        while len(head) < HEAD and (chunk := self.read(HEAD - len(head))):
            head += chunk
        if head.startswith(_UTF_16):
            raise PaperError(f"{self.name} is UTF-16. Convert it first: iconv -f utf-16 -t utf-8 {self.name}")
        return head.removeprefix(_BYTE_ORDER_MARK)


class _Counting(RawIOBase):
    """A file that knows how much of it was read; pipes cannot tell."""

    def __init__(self, file: BufferedIOBase) -> None:
        self.count = 0
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read1(len(buffer))
        buffer[: len(chunk)] = chunk
        self.count += len(chunk)
        return len(chunk)


def _as_it_is(file: BufferedReader) -> _Opened:
    return file, OSError


def _gzip(file: BufferedReader) -> _Opened:
    return gzip.GzipFile(fileobj=file), zlib.error


def _bzip2(file: BufferedReader) -> _Opened:
    return bz2.BZ2File(file), OSError


def _zstandard(file: BufferedReader) -> _Opened:
    if sys.version_info >= (3, 14):
        zstd = import_module("compression.zstd")
    else:
        zstd = require("backports.zstd", "backports.zstd", "readers")
    return zstd.ZstdFile(file), zstd.ZstdError


_COMPRESSIONS: dict[bytes, Callable[[BufferedReader], _Opened]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bzip2,
    b"\x28\xb5\x2f\xfd": _zstandard,
}
