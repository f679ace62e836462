"""BEIR's folders: corpus.jsonl, queries.jsonl and qrels/*.tsv.

Source: https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
"""

from __future__ import annotations

from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.scirepeval import read_file

METRICS = ("ndcg_cut_10", "map", "recall_100")


def is_beir(folder: Path) -> bool:
    """Whether a folder is laid out as BEIR's are."""
    return (folder / "corpus.jsonl").is_file() and (folder / "queries.jsonl").is_file()


def read_beir(folder: Path) -> Ranking:
    """Read a folder with its test judgements.

    Raises:
        EvaluationError: If the files are not as BEIR's are.
    """
    try:
        documents = {
            str(row["_id"]): (row.get("title") or "", row["text"] or "") for row in read_file(folder / "corpus.jsonl")
        }
        queries = {str(row["_id"]): (str(row["text"]),) for row in read_file(folder / "queries.jsonl")}
        judgements: dict[str, dict[str, int]] = {}
        for row in read_file(_judgements(folder)):
            judgements.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    except KeyError as error:
        raise EvaluationError(f"{folder}: a record has no {error}, which BEIR's have") from None
    return Ranking(folder.resolve().name, queries, documents, judgements, METRICS)


def _judgements(folder: Path) -> Path:
    found = sorted((folder / "qrels").glob("*.tsv"))
    test = folder / "qrels" / "test.tsv"
    if test in found:
        return test
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "nothing"
        raise EvaluationError(f"{folder / 'qrels'} holds {names}; expected test.tsv, or one file")
    return found[0]
