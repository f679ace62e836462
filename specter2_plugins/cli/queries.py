"""Files of queries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TextIO

from specter2_plugins.errors import PaperError
from specter2_plugins.printable import from_json


@dataclass(frozen=True)
class Query:
    """A query of a file.

    Args:
        id: What it is called; the number of its line where it has no name.
        text: What to look for.
    """

    id: str
    text: str


def read_queries(file: TextIO) -> list[Query]:
    """Read a query a line: plain text, or JSON with `text` and perhaps `id` (BEIR's `_id`), in any mixture.

    Raises:
        PaperError: If the file is not UTF-8, a line is no query, or there is none.
    """
    try:
        lines = [line.strip() for line in file]
    except UnicodeDecodeError as error:
        raise PaperError(f"{file.name} is not UTF-8 (byte {error.start})") from None
    queries = [_query(file.name, number, line) for number, line in enumerate(lines, start=1) if line]
    if not queries:
        raise PaperError(f"there is no query in {file.name}")
    return queries


def _query(source: str, number: int, line: str) -> Query:
    if not line.startswith("{"):
        return Query(str(number), line)
    try:
        record = from_json(line)
    except json.JSONDecodeError as error:
        raise PaperError(f"{source}:{number}: not valid JSON: {error}") from None
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise PaperError(f'{source}:{number}: expected a query such as {{"id": "q1", "text": "neural ranking"}}')
    return Query(str(record.get("id", record.get("_id", number))), text)
