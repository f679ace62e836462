"""Ranking: papers by their Euclidean distance to a query, as SciRepEval, MDCR and SPECTER2's training have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.lexical import LexicalIndex
from specter2_plugins.evaluation.report import Score
from specter2_plugins.evaluation.runs import Judgements, Measured, Run, compare, judged, scores
from specter2_plugins.evaluation.stages import passed, stage
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
        judgements: How relevant documents are. Those of queries and documents that are not there are passed over, as
            SciRepEval does.
        metrics: trec_eval's names.
        query_task: "adhoc_query" for short texts, "proximity" for papers.
        pooled: Whether a query's candidates are those that are judged for it. Otherwise the whole collection is
            searched, 1,000 deep, but for a document with the query's own id, as BEIR does.
    """

    name: str
    queries: Mapping[str, Document]
    documents: Mapping[str, Document]
    judgements: Judgements
    metrics: tuple[str, ...]
    query_task: str = "adhoc_query"
    pooled: bool = False

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Rank by BM25, by the model and by both.

        Raises:
            EvaluationError: If no query is judged, or none of the documents that are judged is there.
        """
        yield from scores(self.name, self.measure(encoder))

    def measure(self, encoder: Encoder) -> Measured:
        """Evaluate as `evaluate` does, without rounding."""
        asked = judged(self.judgements, self.queries, self.documents)
        queries, documents = [self.queries[query] for query in asked], list(self.documents.values())
        vectors = encoder.embed(queries, self.query_task), encoder.embed(documents, "proximity")
        index = LexicalIndex(documents)
        with stage("ranking", "queries", 2 * len(asked)):
            lexical = self._run(asked, index.scores(queries), above=0.0)
            dense = self._run(asked, nearness(*vectors))
        return compare(self.metrics, self.judgements, lexical, dense)

    def _run(self, asked: list[str], scores: Iterable[NDArray[np.floating]], above: float = -np.inf) -> Run:
        """Return the best documents whose scores are above a limit, for each query."""
        ids = list(self.documents)
        position = {identifier: number for number, identifier in enumerate(ids)}
        run: Run = {}
        for query, row in zip(asked, scores, strict=True):
            if self.pooled:
                chosen = np.array([position[one] for one in self.judgements[query] if one in position], np.intp)
            else:
                if query in position:
                    row[position[query]] = -np.inf
                depth = min(_DEPTH, len(ids))
                chosen = np.flatnonzero(row >= np.partition(row, -depth)[-depth])
            found = [(float(row[number]), ids[number]) for number in chosen[row[chosen] > above].tolist()]
            run[query] = {name: score for score, name in (found if self.pooled else sorted(found)[-_DEPTH:])}
            passed()
        return run


def nearness(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the negative Euclidean distances of all documents, [documents], query by query."""
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        yield from -euclidean_distances(queries[start : start + _QUERIES_AT_ONCE], documents)
