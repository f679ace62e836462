"""What the reader tests share."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Paper
from specter2_plugins.readers import Rejected, read_papers

DATA = Path(__file__).parent / "data"


def collect(source: Any, format: str | None = None, **fields: str) -> tuple[list[Paper], list[Rejected]]:
    """All papers and all rejected records."""
    rejected: list[Rejected] = []
    return list(read_papers(source, format, fields, rejected.append)), rejected


def spreadsheet(rows: list[list[Any]]) -> bytes:
    """An XLSX file."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
