"""Classic test collections in SMART format: CACM and CISI."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.beir import METRICS
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.task import Unread

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


def read_smart(folder: Path) -> Unread | None:
    """Return CACM or CISI, or None if the folder holds neither.

    CACM: 3,204 papers, of which half are titles only; 52 of 64 queries are judged.
    CISI: 1,460 papers of library science; 76 of 112 queries are judged.
    """
    for layout in LAYOUTS:
        if (folder / layout.papers).is_file():
            return Unread(layout.name, functools.partial(_read, folder, layout))
    return None


def _read(folder: Path, layout: Layout) -> Ranking:
    judgements: dict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(_lines(folder / layout.judgements), start=1):
        try:
            query, paper = map(int, line.split()[:2])
        except ValueError:
            raise EvaluationError(
                f"{folder / layout.judgements}:{number}: expected the numbers of a query and a paper"
            ) from None
        judgements[_query_id(query)][str(paper)] = 1
    papers = _records(folder / layout.papers)
    queries = _records(folder / layout.queries)
    return Ranking(
        layout.name,
        {_query_id(number): (fields.get("W", ""),) for number, fields in queries},
        {str(number): (fields.get("T", ""), fields.get("W", "")) for number, fields in papers},
        dict(judgements),
        METRICS,
    )


def _query_id(number: int) -> str:
    """Return an id that no paper has: queries are numbered as papers are, and query 1 is not paper 1."""
    return f"query {number}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from None


def _records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield numbers and fields of the records."""
    records: list[tuple[int, dict[str, list[str]]]] = []
    field = ""
    for number, line in enumerate(_lines(path), start=1):
        match = _FIELD.match(line)
        if match and match[1] == "I":
            try:
                records.append((int(match[2]), defaultdict(list)))
            except (TypeError, ValueError):
                raise EvaluationError(f"{path}:{number}: record without a number") from None
        elif not records:
            raise EvaluationError(f"{path}:{number}: expected a record, which begins with .I and its number")
        elif match:
            field = match[1]
        else:
            records[-1][1][field].append(line.strip())
    for identifier, fields in records:
        yield identifier, {key: " ".join(lines).strip() for key, lines in fields.items()}
