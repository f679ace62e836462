"""The text of a data set's document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

TITLE_AND_ABSTRACT = ("title", "abstract")

Document: TypeAlias = tuple[str, ...]
"""The fields of a paper that are embedded, in order; a query has one."""


def document(row: Mapping[str, Any], fields: Sequence[str] = TITLE_AND_ABSTRACT) -> Document:
    """Return the fields of a row. Title and abstract keep their place when empty, any other empty field is left out."""
    values = {field: "" if row.get(field) is None else str(row[field]) for field in fields}
    return tuple(value for field, value in values.items() if value or field in TITLE_AND_ABSTRACT)


def text_of(parts: Document, separator: str) -> str:
    """Return the fields around the separator; a document with no text at all is the separator alone.

    Benchmarks hold such documents, BEIR's among them, and a ranking has to place them somewhere, while the model
    refuses blank text. The separator alone is what the model card's code makes of a paper with neither title nor
    abstract.
    """
    return separator.join(parts) if any(part.strip() for part in parts) else separator
