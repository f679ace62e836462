"""JSON lines: one paper an object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.papers import Paper
from specter2_plugins.readers.records import Rejected, paper_or_rejected

# The names under which exports of Semantic Scholar, SciRepEval and BEIR carry the same thing, best first.
_ID_KEYS = ("id", "_id", "paper_id", "paperId", "corpus_id", "corpusid", "doi")
_ABSTRACT_KEYS = ("abstract", "text")


def read_jsonl(path: Path) -> Iterator[Paper | Rejected]:
    """Read `title`, `abstract` (or `text`) and an id of each line; all other keys become metadata."""
    orjson = require("orjson", "orjson", "readers")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
            except orjson.JSONDecodeError as error:
                yield Rejected(str(path), number, None, f"not valid JSON: {error}")
                continue
            if isinstance(record, dict):
                yield _paper(str(path), number, record)
            else:
                yield Rejected(str(path), number, None, f"expected a JSON object, got {type(record).__name__}")


def _paper(source: str, line: int, record: dict[str, Any]) -> Paper | Rejected:
    id_key = next((key for key in _ID_KEYS if record.get(key) not in (None, "")), None)
    abstract_key = next((key for key in _ABSTRACT_KEYS if record.get(key)), None)
    used = {"title", id_key, abstract_key}
    return paper_or_rejected(
        source,
        line,
        identifier=None if id_key is None else str(record[id_key]),
        title=record.get("title"),
        abstract=None if abstract_key is None else record[abstract_key],
        metadata={key: value for key, value in record.items() if key not in used},
    )
