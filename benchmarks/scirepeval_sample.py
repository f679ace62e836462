"""SciRepEval's samples, which come as training data, as tasks of its configuration.

Labelled papers are split in halves ten times, by seed. Ad-hoc searches rank the ten papers that were shown; citations
rank all papers of the sample; years and citation counts are those of the papers in the searches.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SPLITS = 10
_FIRST_YEAR, _LAST_YEAR = 1900, 2022
SPLIT = ", split "
"""Stands between a task's name and the number of its split."""


def write_sample_tasks(samples: Path, out: Path) -> Path:
    """Write the data of the tasks to a folder.

    Args:
        samples: Holds search_small.jsonl, specter_small.json, mesh_small.json and fos_small.json.
        out: Where to write.

    Returns:
        The configuration.
    """
    searches = [json.loads(line) for line in _text(samples / "search_small.jsonl").splitlines()]
    shown = [paper for search in searches for paper in search["candidates"]]
    mesh, fields = (json.loads(_text(samples / f"{name}_small.json")) for name in ("mesh", "fos"))
    names = sorted({name for paper in fields for name in paper["labels_text"]})
    tasks = [
        _searches(searches, out),
        _citations(json.loads(_text(samples / "specter_small.json")), out),
        *labelled_tasks("MeSH", mesh, [paper["descriptor"] for paper in mesh], CLASSES, out),
        *labelled_tasks("Fields of study", fields, [_zeros_and_ones(paper, names) for paper in fields], LABELS, out),
        *labelled_tasks("Year", *_numbers(shown, "year", _from_0_to_1), NUMBERS, out),
        *labelled_tasks("Citation count", *_numbers(shown, "n_citations", math.log1p), NUMBERS, out),
    ]
    return write_rows(out / "tasks.jsonl", tasks)


CLASSES = {"type": "classification", "metrics": ["f1_macro", "f1_micro"]}
LABELS = {**CLASSES, "multi_label": True}
NUMBERS = {"type": "regression", "metrics": ["kendalltau"]}


def _searches(searches: list[dict[str, Any]], out: Path) -> dict[str, Any]:
    meta: list[dict[str, Any]] = []
    judged: list[dict[str, Any]] = []
    for number, search in enumerate(searches):
        query = f"search {number}"
        papers = [{**paper, "doc_id": str(paper["corpus_id"])} for paper in search["candidates"]]
        meta.append({"doc_id": query, "query": search["query"], "candidates": papers})
        judged += [{"query_id": query, "cand_id": paper["doc_id"], "score": paper["score"]} for paper in papers]
    task = {"type": "adhoc_search", "fields": ["title", "abstract", "venue", "year"], "metrics": ["ndcg", "map"]}
    return _ranking("Search", meta, judged, task, out)


def _citations(triplets: list[dict[str, Any]], out: Path) -> dict[str, Any]:
    papers = {str(paper["corpus_id"]): paper for triplet in triplets for paper in triplet.values()}
    cited: dict[str, set[str]] = {}
    for triplet in triplets:
        cited.setdefault(str(triplet["query"]["corpus_id"]), set()).add(str(triplet["pos"]["corpus_id"]))
    judged = [
        {"query_id": query, "cand_id": paper, "score": int(paper in found)}
        for query, found in cited.items()
        for paper in papers
        if paper != query
    ]
    meta = [{**paper, "doc_id": number} for number, paper in papers.items()]
    return _ranking("Citations", meta, judged, {"type": "proximity", "metrics": ["map", "ndcg"]}, out)


def _ranking(name: str, meta: list[Any], judged: list[Any], task: dict[str, Any], out: Path) -> dict[str, Any]:
    data = {
        "meta": write_rows(out / name / "meta.jsonl", meta),
        "test": write_rows(out / name / "test_qrel.jsonl", judged),
    }
    simple = task["type"] == "proximity"
    return {"name": name, **task, "data": {**{part: str(path) for part, path in data.items()}, "simple_format": simple}}


def labelled_tasks(
    name: str, papers: list[dict[str, Any]], labels: list[Any], task: dict[str, Any], out: Path
) -> Iterable[dict[str, Any]]:
    """Tasks of papers that are split in halves by seed, each with a label."""
    meta = write_rows(out / name / "meta.jsonl", ({**paper, "doc_id": str(paper["corpus_id"])} for paper in papers))
    rows = [{"paper_id": str(paper["corpus_id"]), "label": label} for paper, label in zip(papers, labels, strict=True)]
    for seed in range(1, SPLITS + 1):
        folder = out / name / str(seed)
        random.Random(seed).shuffle(rows)
        write_rows(folder / "train.jsonl", rows[: len(rows) // 2])
        write_rows(folder / "test.jsonl", rows[len(rows) // 2 :])
        yield {"name": f"{name}{SPLIT}{seed}", **task, "data": {"meta": str(meta), "test": str(folder)}}


def _zeros_and_ones(paper: dict[str, Any], names: list[str]) -> list[int]:
    return [int(name in paper["labels_text"]) for name in names]


def _numbers(papers: list[dict[str, Any]], key: str, number: Any) -> tuple[list[dict[str, Any]], list[float]]:
    """The papers, each once, that have a number, and the numbers."""
    found = list({paper["corpus_id"]: paper for paper in papers if isinstance(paper[key], int | float)}.values())
    return found, [number(paper[key]) for paper in found]


def _from_0_to_1(year: float) -> float:
    """As SciRepEval scales years; its regressors have no intercept."""
    return (year - _FIRST_YEAR) / (_LAST_YEAR - _FIRST_YEAR)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write JSON lines, and the folders above them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path
