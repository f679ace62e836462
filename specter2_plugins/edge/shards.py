"""The folders of a collection's shard: the one in use, and a copy of it beside which an index is built.

`shard` is the first, `shard-1`, `shard-2` and so on take its place; the last is the one in use. What the engine never
writes to again, which is most of an indexed segment, is linked into a copy and takes no room of its own.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from specter2_plugins.printable import from_json

FIRST = "shard"
"""The name of a new collection's shard."""

CONFIG = "edge_config.json"
_LOG = "wal"
OWN = {CONFIG, _LOG, "segments", "temp_segments"}
"""What the engine has in a shard."""

_LEFT_OUT = {"temp_segments"}
_NAME = re.compile(rf"{FIRST}(?:-([1-9][0-9]{{0,17}}))?")
# Written once, when a segment is indexed: vectors, graph, ids. Payloads and the marks of what is deleted change.
_NEVER_CHANGED = re.compile(r"matrix\.dat|links(_compressed)?\.bin|graph\.bin|id_tracker\.mappings")
_CLOSED = "closed-"  # of the log; `open-` is written to
_LARGE = 2**20
_BLOCK = 512  # bytes; the unit of st_blocks everywhere

Link = Callable[[Path, Path], None]
"""Makes a second name for a file: `os.link` or `os.symlink`."""


def found(collection: Path) -> list[Path]:
    """Return a collection's shards, the one in use last."""
    numbered = [
        (int(match[1] or 0), entry)
        for entry in collection.iterdir()
        if (match := _NAME.fullmatch(entry.name)) and (entry / CONFIG).is_file()
    ]
    return [shard for _, shard in sorted(numbered)]


def following(shard: Path) -> Path:
    """Return the place that the next shard takes."""
    match = _NAME.fullmatch(shard.name)
    number = int(match[1] or 0) if match else 0
    return shard.with_name(f"{FIRST}-{number + 1}")


def clone(shard: Path, target: Path, link: Link = os.link) -> None:
    """Copy a shard that is not written to meanwhile, log included; what the engine never changes is linked."""
    for folder, folders, names in os.walk(shard):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        made = target / Path(folder).relative_to(shard)
        made.mkdir()
        for name in names:
            copy_file(Path(folder, name), made / name, link if _NEVER_CHANGED.fullmatch(name) else None)


def copy_log(shard: Path, target: Path) -> None:
    """Give a copy the log as it is now; how far the copy has come in it stays as it was."""
    for old in (target / _LOG).iterdir():
        if "-" in old.name and not old.name.startswith("first-"):
            old.unlink()
    for file in sorted((shard / _LOG).iterdir()):
        if not file.name.startswith("first-"):
            copy_file(file, target / _LOG / file.name, os.link if file.name.startswith(_CLOSED) else None)


def sync_log(shard: Path) -> None:
    """Bring the log to the disk."""
    _sync((shard / _LOG).iterdir())


def sync(shard: Path) -> None:
    """Bring what is large to the disk, which leaves the engine's own flush, under Python's lock, little to do."""
    _sync(path for path in shard.rglob("*") if _size(path) >= _LARGE)


def allow_segments(shard: Path, number: int) -> None:
    """Let a shard have a number of segments, unless its collection says how many."""
    config = from_json((shard / CONFIG).read_text(encoding="utf-8"))
    optimizers = config.setdefault("optimizers", {})
    if not optimizers.get("default_segment_number"):
        optimizers["default_segment_number"] = number
        (shard / CONFIG).write_text(json.dumps(config), encoding="utf-8")


def room_taken(shard: Path) -> int:
    """Return how many bytes a shard takes on the disk."""
    return sum(map(_taken, shard.rglob("*")))


def room_of_copy(shard: Path) -> int:
    """Return how many bytes `clone` copies of a shard, rather than linking them."""
    return sum(_taken(path) for path in shard.rglob("*") if not _NEVER_CHANGED.fullmatch(path.name))


def copy_file(source: Path, target: Path, link: Link | None = None) -> None:
    """Copy a file, or link it if it can be; what is not allocated in it takes no room in the copy either."""
    if link is not None:
        with suppress(OSError):  # another disk, or one without links
            link(source, target)
            return
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
        return
    with source.open("rb") as old, target.open("xb") as new:
        size = os.fstat(old.fileno()).st_size
        os.ftruncate(new.fileno(), size)
        for start, end in _allocated(old.fileno(), size):
            while start < end:
                copied = _copy_range(old.fileno(), new.fileno(), start, end - start)
                if not copied:
                    break
                start += copied


def _copy_range(old: int, new: int, start: int, length: int) -> int:
    try:
        return os.copy_file_range(old, new, length, start, start)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    return os.pwrite(new, os.pread(old, min(length, _LARGE), start), start)


def _allocated(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a file that are allocated; all of it where the file system cannot say."""
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
            end = os.lseek(file, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # it has no more of them
                yield end, size
            return
        yield start, end


def _sync(paths: Iterator[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDWR)
            try:
                os.fsync(file)
            finally:
                os.close(file)


def _taken(path: Path) -> int:
    try:
        status = path.stat()
    except OSError:  # it has gone meanwhile
        return 0
    return getattr(status, "st_blocks", status.st_size // _BLOCK) * _BLOCK


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
