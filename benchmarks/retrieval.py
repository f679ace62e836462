"""Ad-hoc search of `mini` against the MiniLM it is built on, on collections that neither was trained on.

Run: python -m benchmarks.retrieval --data FOLDER, where FOLDER holds cacm/ and cisi/ as distributed.
Prints nDCG@10 as Sentence Transformers' InformationRetrievalEvaluator computes it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

from benchmarks.smart_collections import Collection, read_collection
from specter2_plugins import load_specter2
from specter2_plugins.checkpoints import resolve

CUTOFF = 10


def ndcg(model: SentenceTransformer, collection: Collection, separator: str) -> float:
    """nDCG@10 in points (0 to 100), papers given as title and abstract around a separator."""
    evaluator = InformationRetrievalEvaluator(
        queries=collection.queries,
        corpus={number: paper.text(separator) for number, paper in collection.papers.items()},
        relevant_docs=collection.relevant,
        ndcg_at_k=[CUTOFF],
        map_at_k=[100],
        show_progress_bar=False,
        write_csv=False,
    )
    scores = evaluator(model)
    return 100 * scores[evaluator.primary_metric]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mini", default="mini", help="the model to compare, by default the shipped one")
    args = parser.parse_args()
    mini = load_specter2(args.mini)
    minilm = SentenceTransformer(resolve("mini").base)
    print(f"{'collection':<12}{'MiniLM, space':>16}{'MiniLM, [SEP]':>16}{'mini':>8}   nDCG@{CUTOFF}")
    for folder in ("cacm", "cisi"):
        collection = read_collection(args.data / folder)
        row = [ndcg(minilm, collection, " "), ndcg(minilm, collection, "[SEP]"), ndcg(mini, collection, "[SEP]")]
        print(f"{collection.name:<12}{row[0]:>16.2f}{row[1]:>16.2f}{row[2]:>8.2f}")


if __name__ == "__main__":
    main()
