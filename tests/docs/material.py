"""What lies in the folder in which a page's blocks run: the files that pages talk of, and a chat model's stand-in."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from specter2_plugins import load_specter2
from tests.docs.pages import ROOT

_FILES = Path(__file__).parent / "files"
_READERS = ROOT / "tests" / "readers" / "data"
_TRAINING = ROOT / "tests" / "training" / "data"
_EXCERPT = ROOT / "examples" / "scirepeval"


def lay_out(folder: Path) -> None:
    """Write the files that pages read into a folder."""
    for part in ("specter2_plugins", "examples"):
        (folder / part).symlink_to(ROOT / part)
    shutil.copytree(_FILES, folder, dirs_exist_ok=True)
    (folder / "my-bert").symlink_to(ROOT / "tests" / "data" / "oracle" / "models" / "base")
    models = ROOT / "tests" / "data" / "oracle" / "models"
    load_specter2(models).save_pretrained(str(folder / "models" / "my-specter2"))
    for name, part in (("bert", "base"), ("prx", "adapters/proximity"), ("qry", "adapters/adhoc_query")):
        (folder / "models" / name).symlink_to(models / part)
    _vectors_of_the_card(folder)
    _papers(folder)
    _dumps(folder)
    _training(folder)
    _evaluation(folder)
    _conference(folder)


def stand_in_for_ollama(patch: pytest.MonkeyPatch) -> None:
    """Put a chat model in the place of langchain_ollama's, which cites the first paper that it is shown."""
    from langchain_core.language_models import FakeListChatModel

    class ChatOllama(FakeListChatModel):
        responses: list[str] = [""]

        def _call(self, messages: list[object], *args: object, **kwargs: object) -> str:
            keys = re.findall(r"\[@.+?\]", str(messages))
            return f"As told {keys[1]}."

    ollama = ModuleType("langchain_ollama")
    ollama.ChatOllama = ChatOllama  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "langchain_ollama", ollama)


def _vectors_of_the_card(folder: Path) -> None:
    """Write the vectors that the model card's code gave, with the adapters library, and the papers they are of."""
    import numpy as np
    from safetensors.numpy import load_file

    oracle = ROOT / "tests" / "data" / "oracle"
    inputs = json.loads((oracle / "inputs.json").read_text(encoding="utf-8"))
    papers = [record for record in inputs if isinstance(record, dict)]
    _write(folder / "papers-of-the-card.jsonl", papers)
    np.save(folder / "vectors-of-the-card.npy", load_file(oracle / "vectors.safetensors")["proximity"][: len(papers)])


def _papers(folder: Path) -> None:
    from specter2_plugins.readers import read_papers

    papers = [
        {"id": paper.id, "title": paper.title, "abstract": paper.abstract, **paper.metadata}
        for paper in read_papers(_FILES / "library.bib")
    ]
    _write(folder / "papers.jsonl", papers)
    _write(folder / "dump.jsonl", ({"dc:title": p["title"], "bib": {"summary": p["abstract"]}} for p in papers))
    for number, half in enumerate((papers[:4], papers[4:])):
        _write(folder / "dump" / f"part-{number}.jsonl.gz", half)
    cites = (f"{one['id']},{other['id']}\n" for one, other in pairwise(papers))
    _write(folder / "citations.csv", None, "citing,cited\n" + "".join(cites))


def _dumps(folder: Path) -> None:
    """Lay the readers' samples where the providers' dumps have such files."""
    for sample, place in {
        "pubmed.xml": "pubmed/baseline/pubmed25n0001.xml.gz",
        "library.bib": "sigir-2019.bib",
        "openalex.jsonl": "openalex-snapshot/data/works/updated_date=2025-01-01/part_000.gz",
        "s2_papers.jsonl": "papers/part-0.gz",
        "s2_abstracts.jsonl": "abstracts/part-0.gz",
    }.items():
        _write(folder / place, None, (_READERS / sample).read_text(encoding="utf-8"))
    shutil.copytree(folder / "pubmed" / "baseline", folder / "pubmed" / "updatefiles")
    update = folder / "pubmed" / "updatefiles" / "pubmed25n0001.xml.gz"
    update.rename(update.with_name("pubmed25n1275.xml.gz"))


def _training(folder: Path) -> None:
    labelled, searches, triplets = (str(_TRAINING / f"{name}.jsonl") for name in ("fos", "searches", "triplets"))
    fos = {"type": "classification", "multi_label": True, "ctrl_token": "[CLF]", "labels_field": "labels_text"}
    search = {"type": "ir", "ctrl_token": {"query": "[QRY]", "candidates": "[PRX]"}}
    specter = {"type": "triplet", "ctrl_token": "[PRX]", "data_files": {"train": triplets}}
    tasks = [
        {"name": "fos", **fos, "data_files": {"train": labelled, "dev": labelled}},
        {"name": "search", **search, "data_files": {"train": searches}},
    ]
    (folder / "tasks_config.json").write_text(json.dumps(tasks))
    (folder / "triplets_config.json").write_text(json.dumps([{"name": "specter", **specter}]))


def _evaluation(folder: Path) -> None:
    tasks = [json.loads(line) for line in (_EXCERPT / "tasks.jsonl").read_text().splitlines()]
    for task in tasks:
        task["data"] = {part: str(_EXCERPT / path) for part, path in task["data"].items()}
    fields = next({**task, "name": "Fields of study"} for task in tasks if task["type"] == "classification")
    _write(folder / "scirepeval_tasks.jsonl", [*tasks, fields])
    papers = [{"_id": f"d{number}", "title": f"On soil {number}", "text": "Water."} for number in range(5)]
    _write(folder / "beir/scifact/corpus.jsonl", papers)
    _write(folder / "beir/scifact/queries.jsonl", [{"_id": "q1", "text": "soil water"}])
    _write(folder / "beir/scifact/qrels/test.tsv", None, "query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    _write(folder / "cacm/cacm.all", None, ".I 1\n.T\nSoil water\n.I 2\n.T\nSearch\n")
    _write(folder / "cacm/query.text", None, ".I 1\n.W\nwater in the soil\n")
    _write(folder / "cacm/qrels.text", None, "01 0001 0 0\n")


def _conference(folder: Path) -> None:
    notes = {f"s{n}": {"id": f"s{n}", "content": {"title": title}} for n, title in enumerate(["Soil water", "Graphs"])}
    (folder / "submissions.json").write_text(json.dumps(notes))
    for person in ("~Ann_Lee1", "~Bob_Ray1", "~Cid_Doe1"):
        note = {"id": person, "content": {"title": f"A paper of {person[1:4]}", "authors": [person]}}
        _write(folder / "archives" / f"{person}.jsonl", [note])
    _write(folder / "conflicts.csv", None, "s0,~Ann_Lee1\n")


def _write(path: Path, rows: Iterable[Any] | None, text: str = "") -> None:
    """Write JSON lines, or a text, compressed if the file's name says so."""
    text = text if rows is None else "".join(json.dumps(row) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
