"""Whatever can be embedded, as the text that a tokenizer sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from specter2_plugins.errors import BlankError, PaperError
from specter2_plugins.papers.paper import Paper, check_encodable
from specter2_plugins.papers.payloads import from_document, is_document
from specter2_plugins.papers.values import is_row

PaperLike: TypeAlias = str | Paper | Mapping[str, Any] | Any
"""What can be embedded: plain text, a `Paper`, a dict or a row of a table with `title` and `abstract`, or a LangChain
document."""

_SHOWN = 60


def input_text(record: PaperLike, sep_token: str) -> str:
    """Return the text that the tokenizer sees of one input; a plain string is taken as it is.

    Example:
        >>> input_text({"title": "SPECTER", "abstract": "Representation learning."}, "[SEP]")
        'SPECTER[SEP]Representation learning.'

    Raises:
        PaperError: If the record is none of `PaperLike`, or holds no text that can be encoded.
    """
    if isinstance(record, str):
        check_encodable(record, f"text {record[:_SHOWN]!r}")
        if not record.strip():
            raise BlankError(f"text {record[:_SHOWN]!r} is blank, so there is nothing to embed")
        return record
    if isinstance(record, Paper):
        return record.text(sep_token)
    if is_row(record):
        return Paper.from_mapping(record).text(sep_token)
    if is_document(record):
        return from_document(record).text(sep_token)
    raise PaperError(
        f"cannot embed {str(record)[:_SHOWN]!r} ({type(record).__name__}); expected a string, a Paper or a dict "
        "with 'title' and 'abstract', or a list of them"
    )
