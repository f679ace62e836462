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
from specter2_plugins.readers.encodings import UTF_8, Transcoder, declared_utf_8
from specter2_plugins.readers.limits import MAX_RECORD
from specter2_plugins.readers.records import NOT_UTF8

HEAD = 64 * 2**10
"""Bytes that a format is found by."""

_CHUNK = 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BINARY = (b"PAR1", b"PK\x03\x04", b"SQLite format 3\x00", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff")

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
        encoding: Its encoding; by default found by its content.

    Raises:
        PaperError: If it cannot be read at all, or there is no such encoding.
    """

    def __init__(self, name: str, file: BufferedIOBase, encoding: str | None = None) -> None:
        self.name = name
        self.damage: str | None = None
        self._source = file
        self._raw = _Counting(file)
        buffered: BufferedReader = BufferedReader(cast("RawIOBase", self._raw), _CHUNK)
        magic = buffered.peek(4)[:4]
        decompress = next((found for start, found in _COMPRESSIONS.items() if magic.startswith(start)), _as_it_is)
        self._compressed = decompress is not _as_it_is
        self._file, self._broken = decompress(buffered)
        self._out = 0
        self._rest = b""
        self._transcode: Transcoder | None = Transcoder(name, encoding)
        self._line_ends = False
        self._ended = False
        self._rest = self.head = self._read_head()
        if self.damage and not self.head:
            raise PaperError(f"cannot read {name}: {self.damage}")

    @property
    def encoding(self) -> str | None:
        """How it is encoded where that is not UTF-8, and how that is known."""
        found = self._transcode
        return None if found is None or found.encoding == UTF_8 else f"{found.encoding} ({found.found_by})"

    @property
    def undecodable(self) -> str:
        """Why a record is refused that holds a byte which fits nowhere."""
        return (
            NOT_UTF8 if self.encoding is None else f"a byte in it is none of {self.encoding}; name another: --encoding"
        )

    @property
    def taken(self) -> int:
        """Bytes of the source that were read so far, compressed where it is."""
        return self._raw.count

    def read(self, size: int = _CHUNK) -> bytes:
        """Read up to that many bytes; none at the end.

        Raises:
            PaperError: If the disk fails, or a small file grows beyond all measure.
        """
        if self._rest:
            chunk, self._rest = self._rest[:size], self._rest[size:]
            return chunk
        while not self._ended and self.damage is None:
            raw = self._raw_chunk(size)
            self._ended = not raw
            if self._out == len(raw) and raw.startswith(_BINARY):
                self._transcode = None
            chunk = raw if self._transcode is None else self._transcode(raw, self._ended)
            if self._line_ends:
                chunk = chunk.replace(b"\r", b"\n")
            if chunk:
                return chunk
        return b""

    def _raw_chunk(self, size: int) -> bytes:
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
        return bytes(chunk)

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield lines without their ends, numbered from 1; None for one that is longer than a record may be."""
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
        """Return a file to jump about in: the file itself, or a temporary copy of what is compressed or piped.

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
        head = head.removeprefix(_BYTE_ORDER_MARK)
        if self._transcode is None:
            return head
        # As old Macintosh programs end lines.
        self._line_ends = b"\r" in head[:-1] and b"\n" not in head
        return declared_utf_8(head.replace(b"\r", b"\n") if self._line_ends else head)


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
