"""Ranking: papers by their Euclidean distance to a query, as SciRepEval, MDCR and SPECTER2's training have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.lexical import LexicalIndex
from specter2_plugins.evaluation.report import Score
from specter2_plugins.evaluation.runs import Judgements, Run, compare
from specter2_plugins.extras import require
from specter2_plugins.scirepeval import Document

_DEPTH = 1000
_QUERIES_AT_ONCE = 64


@dataclass(frozen=True)
class Ranking:
    """Queries, documents, and which answer which.

    Args:
        name: What tables call it.
        queries: Id -> query.
        documents: Id -> document. They are embedded with the proximity adapter.
        judgements: How relevant documents are. Queries and documents without text are left out, as SciRepEval does.
        metrics: trec_eval's names.
        query_task: "adhoc_query" for short texts, "proximity" for papers.
        pooled: Whether a query's candidates are those that are judged for it. Otherwise the whole collection is
            searched, 1,000 deep, and a document with the query's own id is passed over, as BEIR does.
    """

    name: str
    queries: Mapping[str, Document]
    documents: Mapping[str, Document]
    judgements: Judgements
    metrics: tuple[str, ...]
    query_task: str = "adhoc_query"
    pooled: bool = False

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Rank by BM25, by the model and by both."""
        asked = [query for query in self.judgements if query in self.queries]
        queries, documents = [self.queries[query] for query in asked], list(self.documents.values())
        lexical = LexicalIndex(documents).scores(queries)
        dense = nearness(encoder.embed(queries, self.query_task), encoder.embed(documents, "proximity"))
        runs = self._run(asked, lexical), self._run(asked, dense)
        yield from compare(self.name, self.metrics, self.judgements, *runs)

    def _run(self, asked: list[str], scores: Iterable[NDArray[np.floating]]) -> Run:
        ids = list(self.documents)
        position = {identifier: number for number, identifier in enumerate(ids)}
        run: Run = {}
        for query, row in zip(asked, scores, strict=True):
            if self.pooled:
                chosen = [position[candidate] for candidate in self.judgements[query] if candidate in position]
            else:
                depth = min(_DEPTH + 1, len(ids))
                best = np.argpartition(row, len(ids) - depth)[len(ids) - depth :]
                chosen = [number for number in best.tolist() if ids[number] != query]
            run[query] = {ids[number]: float(row[number]) for number in chosen}
        return run


def nearness(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The negative Euclidean distances of all documents, [documents], query by query."""
    pairwise = require("sklearn.metrics.pairwise", "scikit-learn", "evaluate")
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        yield from -pairwise.euclidean_distances(queries[start : start + _QUERIES_AT_ONCE], documents)
