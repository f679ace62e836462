"""What the evaluation's tests share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specter2_plugins import Specter2
from specter2_plugins.evaluation import read_tasks
from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.scirepeval import Document

pytest.importorskip("pytrec_eval")


class Given(Encoder):
    """Embeddings that are given, so that only what is computed from them is tested."""

    def __init__(self, vectors: Mapping[Document, Any]) -> None:
        self.vectors = vectors
        self.tasks: list[tuple[str, list[Document]]] = []

    def embed(self, documents: Sequence[Document], task: str) -> Any:
        self.tasks.append((task, list(documents)))
        return np.array([self.vectors[document] for document in documents], np.float32)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_tasks(folder: Path, *tasks: Mapping[str, Any]) -> Path:
    """Write a configuration of SciRepEval's."""
    return write_lines(folder / "tasks.jsonl", tasks)


PAPERS = [
    {"doc_id": "a", "title": "Graphs", "abstract": "Nodes and edges.", "venue": "VLDB", "year": 1999},
    {"doc_id": "b", "title": "Trees", "abstract": None, "venue": "", "year": 2001},
    {"doc_id": "c", "title": None, "abstract": "No title here.", "venue": None, "year": None},
    {"doc_id": "d", "title": "", "abstract": "", "venue": "", "year": 0},
]


def only(path: Path) -> Any:
    (task,) = read_tasks(path)
    return task


class Recorder(Encoder):
    """Writes down what is embedded as what, and embeds it."""

    def __init__(self, model: Specter2) -> None:
        super().__init__(model)
        self.seen: list[tuple[str, list[tuple[str, ...]]]] = []

    def embed(self, documents: Any, task: str) -> Any:
        self.seen.append((task, list(documents)))
        return super().embed(documents, task)


def scibert(folder: Path, ending: str = "txt") -> Path:
    for split, count in (("train", 9), ("dev", 1), ("test", 4)):
        rows = [
            {
                "text": f"{('results agree', 'we use the method')[number % 2]} {number}",
                "label": ("result", "method")[number % 2],
                "metadata": {},
            }
            for number in range(count)
        ]
        write_lines(folder / f"{split}.{ending}", rows)
    return folder


def beir(folder: Path) -> Path:
    rows = [
        {"_id": "1", "title": "Graphs", "text": "Nodes."},
        {"_id": "2", "text": "Bare."},
        {"_id": "3", "title": "", "text": ""},
    ]
    write_lines(folder / "corpus.jsonl", rows)
    write_lines(folder / "queries.jsonl", [{"_id": "q1", "text": "nodes"}, {"_id": "q2", "text": "never judged"}])
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t1\t1\nq1\t3\t0\n")
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq2\t1\t1\n")
    return folder


def cacm(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cacm.all").write_text(
        ".I 1\n.T\nGraphs and\nnets\n.W\nNodes,\nedges.\n.B\nCACM 1960\n.X\n1\t5\t1\n.I 2\n.T\nTrees\n"
    )
    (folder / "query.text").write_text(".I 1\n.W\n which nets\nhave edges\n.N\n 1. someone\n.I 2\n.W\nnever judged\n")
    (folder / "qrels.text").write_text("01 0001 0 0\n01 2 0 0\n")
    return folder
