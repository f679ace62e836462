"""Search by meaning, by words and by both, through this package's own ingestion and search.

Run: python -m benchmarks.hybrid --data FOLDER, where FOLDER holds cacm/, cisi/ and scirepeval_sample/ as distributed.
Of SciRepEval's searches, the candidates of all 100 are one collection, and those that were clicked answer a query.
Prints nDCG@10 in points (0 to 100), and how many queries each search answers better and worse than the dense one.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from specter2_plugins import Paper, Specter2, load_specter2
from specter2_plugins.evaluation import read_tasks
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import CollectionSpec, Hit, fusion, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.scirepeval import Document
from specter2_plugins.sparse import load_sparse

CUTOFF = 10
K, QDRANTS_K = fusion.RRF_K, 2
WAYS: dict[str, dict[str, Any]] = {
    "dense": {"mode": "dense"},
    "sparse": {"mode": "sparse"},
    "hybrid, RRF, k = 2": {"mode": "hybrid", "fusion": "rrf"},
    "hybrid, RRF, k = 60": {"mode": "hybrid", "fusion": "rrf"},
    "hybrid, DBSF": {"mode": "hybrid", "fusion": "dbsf"},
}


def ndcg(hits: list[Hit], relevant: Collection[str]) -> float:
    """nDCG@10 of one query, 0 to 100, with papers relevant or not."""
    gains = [1 / math.log2(rank + 1) for rank in range(1, CUTOFF + 1)]
    gained = sum(gain for gain, hit in zip(gains, hits, strict=False) if hit.paper.id in relevant)
    return 100 * gained / sum(gains[: len(relevant)])


def searches(file: Path) -> Ranking:
    """SciRepEval's sample of searches."""
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    documents: dict[str, Document] = {}
    judgements: dict[str, dict[str, int]] = {}
    for number, record in enumerate(records):
        for candidate in record["candidates"]:
            paper = str(candidate["corpus_id"])
            documents[paper] = (candidate["title"] or "", candidate["abstract"] or "")
            if candidate["score"] > 0:
                judgements.setdefault(str(number), {})[paper] = 1
    queries: dict[str, Document] = {str(number): (record["query"],) for number, record in enumerate(records)}
    return Ranking("Search", queries, documents, judgements, ())


def measure(collection: Ranking, model: Specter2, sparse: str) -> dict[str, list[float]]:
    """The nDCG of every query that was judged, by every way."""
    encoder = load_sparse(sparse)
    papers = [Paper(title, abstract, number) for number, (title, abstract) in collection.documents.items()]
    queries = [collection.queries[query][0] for query in collection.judgements]
    with TemporaryDirectory() as folder, open_client(store=Path(folder) / "store") as client:
        ingest_papers(papers, client, model, CollectionSpec(sparse=(sparse,)))
        answers = {}
        for way, options in WAYS.items():
            fusion.RRF_K = QDRANTS_K if way.endswith("k = 2") else K
            answers[way] = search_papers(client, model, queries, limit=CUTOFF, sparse=encoder, **options)
    return {
        way: [ndcg(hits, relevant) for relevant, hits in zip(collection.judgements.values(), found, strict=True)]
        for way, found in answers.items()
    }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--sparse", default="bm25")
    args = parser.parse_args()
    model = load_specter2(args.model)
    print(f"{'collection':<12}{'search':<21}{f'nDCG@{CUTOFF}':>8}{'better':>8}{'worse':>8}")
    collections = [cast(Ranking, task) for task in read_tasks(args.data / "cacm", args.data / "cisi")]
    for collection in [*collections, searches(args.data / "scirepeval_sample" / "search_small.jsonl")]:
        scores = measure(collection, model, args.sparse)
        for way, values in scores.items():
            pairs = list(zip(values, scores["dense"], strict=True))
            better, worse = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
            print(f"{collection.name:<12}{way:<21}{sum(values) / len(values):>8.2f}{better:>8}{worse:>8}")


if __name__ == "__main__":
    main()
