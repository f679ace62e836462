"""Classic test collections in SMART format (CACM, CISI), for measuring retrieval."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from specter2_plugins import Paper

_FIELD = re.compile(r"^\.([A-Z])(?: (.*))?$")


@dataclass(frozen=True)
class Collection:
    """Papers, queries and which papers answer which query, all by id."""

    name: str
    papers: dict[str, Paper]
    queries: dict[str, str]
    relevant: dict[str, set[str]]


def read_cacm(folder: Path) -> Collection:
    """CACM: 3,204 papers, of which half are titles only; 52 of 64 queries are judged."""
    return _read("CACM", folder / "cacm.all", folder / "query.text", folder / "qrels.text")


def read_cisi(folder: Path) -> Collection:
    """CISI: 1,460 papers of library science; 76 of 112 queries are judged."""
    return _read("CISI", folder / "CISI.ALL", folder / "CISI.QRY", folder / "CISI.REL")


def _read(name: str, papers: Path, queries: Path, judgements: Path) -> Collection:
    relevant: dict[str, set[str]] = defaultdict(set)
    for line in judgements.read_text(encoding="latin-1").splitlines():
        query, paper, *_ = line.split()
        relevant[str(int(query))].add(str(int(paper)))
    return Collection(
        name=name,
        papers={
            number: Paper(title=fields.get("T"), abstract=fields.get("W"), id=number)
            for number, fields in _records(papers)
        },
        queries={number: fields["W"] for number, fields in _records(queries) if number in relevant},
        relevant=dict(relevant),
    )


def _records(path: Path) -> list[tuple[str, dict[str, str]]]:
    records: list[tuple[str, dict[str, list[str]]]] = []
    field = ""
    for line in path.read_text(encoding="latin-1").splitlines():
        match = _FIELD.match(line)
        if match and match[1] == "I":
            records.append((str(int(match[2])), defaultdict(list)))
        elif match:
            field = match[1]
        else:
            records[-1][1][field].append(line.strip())
    return [(number, {key: " ".join(lines).strip() for key, lines in fields.items()}) for number, fields in records]
