"""Classic test collections in SMART format: CACM and CISI."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.beir import METRICS
from specter2_plugins.evaluation.ranking import Ranking

_FIELD = re.compile(r"^\.([A-Z])(?: (.*))?$")


@dataclass(frozen=True)
class Layout:
    """The files of a collection: its name, papers, queries and judgements."""

    name: str
    papers: str
    queries: str
    judgements: str


LAYOUTS = (
    Layout("CACM", "cacm.all", "query.text", "qrels.text"),
    Layout("CISI", "CISI.ALL", "CISI.QRY", "CISI.REL"),
)


def is_smart(folder: Path) -> bool:
    """Whether a folder holds one of the collections."""
    return _layout(folder) is not None


def read_smart(folder: Path) -> Ranking:
    """Read a collection.

    CACM: 3,204 papers, of which half are titles only; 52 of 64 queries are judged.
    CISI: 1,460 papers of library science; 76 of 112 queries are judged.

    Raises:
        EvaluationError: If the folder holds neither, or a file of it is missing.
    """
    layout = _layout(folder)
    if layout is None:
        raise EvaluationError(f"{folder} holds none of {', '.join(known.papers for known in LAYOUTS)}")
    judgements: dict[str, dict[str, int]] = defaultdict(dict)
    for line in _lines(folder / layout.judgements):
        query, paper, *_ = line.split()
        judgements[_query_id(query)][str(int(paper))] = 1
    papers = _records(folder / layout.papers)
    queries = _records(folder / layout.queries)
    return Ranking(
        layout.name,
        {_query_id(number): (fields["W"],) for number, fields in queries if _query_id(number) in judgements},
        {number: (fields.get("T", ""), fields.get("W", "")) for number, fields in papers},
        dict(judgements),
        METRICS,
    )


def _layout(folder: Path) -> Layout | None:
    return next((layout for layout in LAYOUTS if (folder / layout.papers).is_file()), None)


def _query_id(number: str) -> str:
    """Queries are numbered as papers are, and query 1 is not paper 1."""
    return f"query {int(number)}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None


def _records(path: Path) -> list[tuple[str, dict[str, str]]]:
    records: list[tuple[str, dict[str, list[str]]]] = []
    field = ""
    for line in _lines(path):
        match = _FIELD.match(line)
        if match and match[1] == "I":
            records.append((str(int(match[2])), defaultdict(list)))
        elif match:
            field = match[1]
        else:
            records[-1][1][field].append(line.strip())
    return [(number, {key: " ".join(lines).strip() for key, lines in fields.items()}) for number, fields in records]
