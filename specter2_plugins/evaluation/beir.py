"""BEIR's folders: corpus.jsonl, queries.jsonl and qrels/*.tsv.

Source: https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
"""

from __future__ import annotations

from pathlib import Path

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.ranking import Ranking
from specter2_plugins.evaluation.task import Unread
from specter2_plugins.scirepeval import Row, judgements, plain_text, read_file

METRICS = ("ndcg_cut_10", "map", "recall_100")


def read_beir(folder: Path) -> Unread | None:
    """Return a folder with its test judgements, or None if it is not laid out as BEIR's are."""
    if not (folder / "corpus.jsonl").is_file() or not (folder / "queries.jsonl").is_file():
        return None
    name = folder.resolve().name
    return Unread(name, lambda: _read(name, folder))


def _read(name: str, folder: Path) -> Ranking:
    corpus = read_file(folder / "corpus.jsonl", ("_id", "text"))
    documents = {_id(row): (plain_text({"title": "", **row}, "title"), plain_text(row, "text")) for row in corpus}
    queries = {_id(row): (plain_text(row, "text"),) for row in read_file(folder / "queries.jsonl", ("_id", "text"))}
    keys = ("query-id", "corpus-id", "score")
    judged = judgements(read_file(_judgements(folder / "qrels"), keys), *keys)
    return Ranking(name, queries, documents, judged, METRICS)


def _id(row: Row) -> str:
    identifier = plain_text(row, "_id")
    if not identifier:
        raise EvaluationError(f"a record has no _id: {row!r:.80}")
    return identifier


def _judgements(folder: Path) -> Path:
    found = sorted(folder.glob("*.tsv"))
    test = folder / "test.tsv"
    if test in found:
        return test
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "nothing"
        raise EvaluationError(f"{folder} holds {names}; expected test.tsv, or one file")
    return found[0]
