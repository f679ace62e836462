"""CACM and CISI as Sentence Transformers' evaluators take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from specter2_plugins import Paper
from specter2_plugins.evaluation import read_tasks
from specter2_plugins.evaluation.ranking import Ranking


@dataclass(frozen=True)
class Collection:
    """Papers, the queries that were judged, and which papers answer which query, all by id."""

    name: str
    papers: dict[str, Paper]
    queries: dict[str, str]
    relevant: dict[str, set[str]]


def read_collection(folder: Path) -> Collection:
    """Read CACM or CISI, whichever the folder holds."""
    ranking = cast(Ranking, next(read_tasks(folder)))
    return Collection(
        name=ranking.name,
        papers={
            number: Paper(title=title, abstract=abstract, id=number)
            for number, (title, abstract) in ranking.documents.items()
        },
        queries={number: query for number, (query,) in ranking.queries.items() if number in ranking.judgements},
        relevant={query: set(papers) for query, papers in ranking.judgements.items()},
    )
