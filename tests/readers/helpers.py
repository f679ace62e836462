"""What the reader tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specter2_plugins import Paper
from specter2_plugins.readers import Rejected, read_papers

DATA = Path(__file__).parent / "data"


def collect(source: Any, format: str | None = None, **fields: str) -> tuple[list[Paper], list[Rejected]]:
    """All papers and all rejected records."""
    rejected: list[Rejected] = []
    return list(read_papers(source, format, fields, rejected.append)), rejected


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
