"""Whether a file of weights, or one beside it, is what its name says: whole, and no page or pointer in its place."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from specter2_plugins.errors import one_line
from specter2_plugins.printable import from_json

_POINTER = b"version https://git-lfs.github.com/spec/"
AGAIN = "download it again (hf download REPO --local-dir FOLDER)"
_FAULTS_BY_START = (
    (_POINTER, "a Git LFS pointer instead of the file: run `git lfs install` and `git lfs pull` in the clone"),
    (b"<!doctype html", f"an HTML page instead of the file, as a login or an error page: {AGAIN}"),
    (b"<html", f"an HTML page instead of the file, as a login or an error page: {AGAIN}"),
    (b"<?xml", f"an XML page instead of the file, as an error page: {AGAIN}"),
)
_MAX_HEADER = 100_000_000  # safetensors' own limit


def fault(path: Path) -> str | None:
    """Return what is wrong with a file, in words that go on from its name, or None: by its content alone."""
    size = path.stat().st_size
    if not size:
        return f"is empty: {AGAIN}"
    with path.open("rb") as file:
        start = file.read(512)
    plain = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for sign, what in _FAULTS_BY_START:
        if plain.startswith(sign):
            return f"is {what}"
    if path.suffix == ".safetensors":
        return _safetensors_fault(path, size)
    if path.suffix == ".bin":
        if start.startswith(b"PK\x03\x04"):
            return None if zipfile.is_zipfile(path) else f"is cut off after {size} bytes: {AGAIN}"
        if start[:1] != b"\x80":
            return f"holds no PyTorch weights; it begins with {start[:16]!r}: {AGAIN}"
    return None


def why_not_plain(error: Exception) -> str:
    """Return what PyTorch says of a pickle that it does not read as plain tensors, but for its advice to run it.

    Args:
        error: What `torch.load(..., weights_only=True)` raised.
    """
    named = re.search(r"GLOBAL ([\w.]+)", str(error)) or re.search(r"function: ([\w.]+)", str(error))
    what = f"it holds code ({named[1]}), which is not run" if named is not None else one_line(error)
    return f"cannot be read as plain tensors: {what}; take the safetensors of the same model, or {AGAIN}"


def _safetensors_fault(path: Path, size: int) -> str | None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > _MAX_HEADER:
            return f"holds no safetensors: {AGAIN}"
        header = file.read(length)
    try:
        tensors = from_json(header) if len(header) == length else None
        ends = [entry["data_offsets"][1] for name, entry in (tensors or {}).items() if name != "__metadata__"]
        expected = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return f"holds no safetensors: {AGAIN}"
    if tensors is None or size < expected:
        return f"is cut off after {size} bytes of {max(expected, 8 + length)}: {AGAIN}"
    return None
