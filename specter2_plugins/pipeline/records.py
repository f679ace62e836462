"""Whatever holds papers -> records for an ingestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import from_document, is_document
from specter2_plugins.papers.values import is_row
from specter2_plugins.pipeline.intake import Record
from specter2_plugins.readers import Rejected, read_records

Papers: TypeAlias = Any
"""Files (a path, a pattern, "-", or a list of them), or papers: `Paper`s, dicts, rows of a pandas table or the table
itself, LangChain documents, in any mixture and any iterable."""


def to_records(
    papers: Papers,
    format: str | None = None,
    fields: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Iterator[Record]:
    """Yield the records of whatever holds papers, one at a time.

    Args:
        papers: Files or papers, see `Papers`.
        format: Of files, as for `read_papers`.
        fields: Of files, as for `read_papers`.
        encoding: Of files, as for `read_papers`.

    Raises:
        PaperError: If a file cannot be read, or this holds no papers.
    """
    if isinstance(papers, str | Path):
        return read_records(papers, format, fields, encoding=encoding)
    if isinstance(papers, Paper | Rejected) or is_row(papers) or is_document(papers):
        papers = [papers]
    elif callable(rows := getattr(papers, "iterrows", None)):  # a pandas table
        papers = (row for _, row in rows())
    if not isinstance(papers, Iterable):
        raise PaperError(
            f"expected files or papers, got {type(papers).__name__}; a paper is a Paper, a dict, a row of a table or a "
            "LangChain document"
        )
    if isinstance(papers, list | tuple | set) and papers and all(isinstance(one, str | Path) for one in papers):
        return read_records(list(papers), format, fields, encoding=encoding)
    if format is not None or fields is not None or encoding is not None:
        raise PaperError("format, fields and encoding say how files are read, and these papers are in memory")
    return (_record(one, number) for number, one in enumerate(papers, start=1))


def _record(one: Any, number: int) -> Record:
    if not is_document(one):
        record: Record = one
        return record
    try:
        return from_document(one)
    except PaperError as error:
        return Rejected("documents", number, one.metadata.get("id"), str(error))
