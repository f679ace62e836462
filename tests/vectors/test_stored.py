"""Embedding into a folder and loading from it, as two steps."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("qdrant_client")

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from specter2_plugins import Paper, PaperError, Specter2, Specter2Error, StoreError, TaskError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.pipeline import embed_papers, ingest_papers
from specter2_plugins.pipeline.embed import Part, to_embed, write_part
from specter2_plugins.qdrant import CollectionSpec, IngestReport, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.readers import Rejected, read_papers
from specter2_plugins.vectors import EmbeddedPaper, StoredEmbeddings
from specter2_plugins.vectors.parts import Parts, new_run, number_of, part_name
from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.stores import payload_of

PAPERS = [
    Paper(f"Graph networks {number}", "ocean papers " * (number % 7) or None, id=str(number), metadata={"year": number})
    for number in range(50)
]


@pytest.fixture(scope="module")
def other(new_model: Callable[..., Specter2]) -> Specter2:
    """A model with other weights."""
    changed = new_model()
    with torch.no_grad():
        next(changed.parameters()).mul_(1.5)
    return changed


def stop_at(count: int) -> Callable[[IngestReport], None]:
    def follow(report: IngestReport) -> None:
        if report.ingested >= count:
            raise KeyboardInterrupt

    return follow


def points(folder: Path) -> dict[str, object]:
    with open_client(folder) as client:
        records, _ = client.scroll("papers", limit=1000, with_vectors=True)
    return {str(record.id): (payload_of(record), record.vector) for record in records}


def test_two_steps_give_the_points_of_one(model: Specter2, tmp_path: Path) -> None:
    tasks = ("proximity", "classification")
    report = embed_papers(PAPERS, tmp_path / "vectors", model, tasks, part=20)
    assert (report.read, report.ingested, report.embedded) == (50, 50, 50)
    assert report.tokens > 0
    names = sorted(path.name for path in (tmp_path / "vectors").iterdir())
    assert [number_of(name) for name in names] == [0, 1, 2]
    assert Parts(tmp_path / "vectors").names() == names

    stored = StoredEmbeddings(tmp_path / "vectors")
    spec = CollectionSpec(tasks=tuple(stored.adapters), sparse=("bm25",))
    with open_client(tmp_path / "two") as client:
        assert ingest_papers(stored.papers(), client, stored, spec).ingested == 50
        assert ingest_papers(PAPERS, client, model, spec).unchanged == 50
        assert len(search_papers(client, model, "graph", limit=3)) == 3
    with open_client(tmp_path / "one") as client:
        ingest_papers(PAPERS, client, model, spec)
    one, two = points(tmp_path / "one"), points(tmp_path / "two")
    assert one.keys() == two.keys()
    for point, (payload, vectors) in one.items():
        assert two[point][0] == payload
        for name in tasks:
            np.testing.assert_allclose(two[point][1][name], vectors[name], atol=1e-5)
        assert two[point][1]["bm25"] == vectors["bm25"]


def test_a_run_that_was_cut_off_goes_on(model: Specter2, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        embed_papers(PAPERS, tmp_path, model, part=20, on_progress=stop_at(40))
    assert len(Parts(tmp_path).names()) == 2
    (tmp_path / "part-000002-0123abcd.parquet.unfinished").write_bytes(b"PAR1 cut off")

    report = embed_papers([*PAPERS, PAPERS[0], Rejected("x", 1, None, "no text")], tmp_path, model, part=20)
    assert (report.read, report.ingested, report.unchanged, report.duplicate, report.rejected) == (52, 10, 40, 1, 1)
    assert sorted(paper.id for paper in StoredEmbeddings(tmp_path).papers()) == sorted(paper.id for paper in PAPERS)


def test_of_a_changed_paper_the_latest_version_counts(model: Specter2, tmp_path: Path) -> None:
    embed_papers(PAPERS, tmp_path / "vectors", model)
    changed = replace(PAPERS[3], title="Quite another title")
    report = embed_papers([*PAPERS[:3], changed, *PAPERS[4:]], tmp_path / "vectors", model)
    assert (report.ingested, report.unchanged) == (1, 49)
    stored = StoredEmbeddings(tmp_path / "vectors")
    with open_client(tmp_path / "store") as client:
        report = ingest_papers(stored.papers(), client, stored, CollectionSpec(tasks=tuple(stored.adapters)))
        assert (report.read, report.ingested, report.duplicate) == (51, 50, 1)
        (hit,) = search_papers(client, model, "Quite another title", filter='id = "3"')
        assert hit.paper.title == "Quite another title"


def test_vectors_of_two_models_do_not_mix(model: Specter2, other: Specter2, tmp_path: Path) -> None:
    embed_papers(PAPERS[:5], tmp_path / "vectors", model)
    with pytest.raises(StoreError, match=r"was filled by another model\. weights: '\w+' there, '\w+' here"):
        embed_papers(PAPERS, tmp_path / "vectors", other)
    with pytest.raises(StoreError, match="holds proximity vectors, not classification"):
        embed_papers(PAPERS, tmp_path / "vectors", model, ["classification"])
    embed_papers(PAPERS[5:9], tmp_path / "other", other)
    (name,) = Parts(tmp_path / "other").names()
    (tmp_path / "other" / name).rename(tmp_path / "vectors" / part_name(1, new_run()))
    with pytest.raises(StoreError, match=r"part-000000-\w+.* and part-000001-\w+.* were made with different"):
        StoredEmbeddings(tmp_path / "vectors")


def test_a_model_is_the_same_wherever_it_lies(model: Specter2, tmp_path: Path) -> None:
    moved = copy.deepcopy(model)
    moved.transformer.model.config.name_or_path = "elsewhere"
    assert moved.fingerprint() != model.fingerprint()
    embed_papers(PAPERS[:5], tmp_path, model)
    embed_papers(PAPERS, tmp_path, moved)
    assert embed_papers(PAPERS, tmp_path, model).unchanged == len(PAPERS)
    assert len(list(StoredEmbeddings(tmp_path).papers())) == len(PAPERS)


def test_two_runs_at_once_do_not_meet(model: Specter2, tmp_path: Path) -> None:
    def papers_beside_another_run() -> Iterator[Paper]:
        yield from PAPERS[:25]
        embed_papers(PAPERS[25:], tmp_path, model, part=10)
        yield from PAPERS[:1]

    assert embed_papers(papers_beside_another_run(), tmp_path, model, part=10).ingested == 25
    papers = [paper.id for paper in StoredEmbeddings(tmp_path).papers()]
    assert sorted(papers) == sorted(paper.id for paper in PAPERS)


def test_reading_again_makes_the_same_parts(model: Specter2, tmp_path: Path) -> None:
    embed_papers(PAPERS[:7], tmp_path, model)
    parts = Parts(tmp_path)
    there, run = parts.names(), new_run()

    def plan() -> list[Part]:
        return list(to_embed(PAPERS, parts, there, run, 10, IngestReport()))

    first = plan()
    assert [number_of(part.name) for part in first] == [1, 2, 3, 4, 5]
    prints = {"proximity": model.fingerprint("proximity")}
    for part in first[:3]:
        write_part(part, parts, model, prints, 10, IngestReport())
    assert plan() == first


def test_a_paper_that_is_changed_and_changed_back(model: Specter2, tmp_path: Path) -> None:
    versions = [Paper(title, id="1") for title in ("Graphs", "Oceans", "Graphs", "Graphs")]
    counts = [embed_papers([version], tmp_path, model).ingested for version in versions]
    assert counts == [1, 1, 1, 0]
    assert next(StoredEmbeddings(tmp_path).papers()).title == "Graphs"


def test_what_was_embedded_is_kept_when_a_run_is_stopped(model: Specter2, tmp_path: Path) -> None:
    counts: list[IngestReport] = []

    def stop(report: IngestReport) -> None:
        counts[:] = [report]
        if report.embedded >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_papers(PAPERS, tmp_path, model, ("proximity", "regression"), batch=10, on_progress=stop)
    assert counts[0].ingested == 30
    again = embed_papers(PAPERS, tmp_path, model, ("proximity", "regression"))
    assert (again.unchanged, again.ingested) == (30, 20)


@pytest.mark.parametrize("tasks", [("proximity", "classification"), ("base",)])
def test_tasks_are_routed(model: Specter2, tmp_path: Path, tasks: tuple[str, ...]) -> None:
    embed_papers(PAPERS[:2], tmp_path, model, tasks)
    stored = StoredEmbeddings(tmp_path)
    papers = list(stored.papers())
    expected = model.encode(PAPERS[:2], task="document" if "proximity" in tasks else "base")
    np.testing.assert_allclose(stored.encode(papers, task="document"), expected, atol=1e-5)
    with pytest.raises(TaskError, match="at least one task"):
        embed_papers(PAPERS, tmp_path, model, ())


def test_a_folder_that_cannot_be_written_is_told_of_before_anything_is_embedded(
    model: Specter2, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    counts: list[int] = []
    with pytest.raises(StoreError, match="file/vectors"):
        embed_papers(
            PAPERS, tmp_path / "file" / "vectors", model, on_progress=lambda report: counts.append(report.embedded)
        )
    assert counts == []
    with pytest.raises(PaperError, match=r"none\.jsonl"):
        embed_papers(read_papers(tmp_path / "none.jsonl"), tmp_path / "vectors", model)
    assert not (tmp_path / "vectors").exists()


def test_what_another_version_wrote_is_not_called_damaged(
    model: Specter2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Fingerprint, "to_dict", lambda fingerprint: {**vars(fingerprint), "later": 1})
        embed_papers(PAPERS[:3], tmp_path, model)
    with pytest.raises(StoreError, match=r"another version of this package wrote .*part-000000"):
        StoredEmbeddings(tmp_path)


def test_a_stop_while_a_part_is_written(model: Specter2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, stops = pq.write_table, iter([True])

    def stopped(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        if next(stops, False):
            raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", stopped)
    with pytest.raises(KeyboardInterrupt):
        embed_papers(PAPERS, tmp_path, model)
    assert [path.name for path in tmp_path.iterdir()] == Parts(tmp_path).names()
    assert len(list(StoredEmbeddings(tmp_path).papers())) == len(PAPERS)


def test_a_flipped_bit_is_noticed(model: Specter2, tmp_path: Path) -> None:
    embed_papers(PAPERS, tmp_path, model)
    part = tmp_path / Parts(tmp_path).names()[0]
    whole = part.read_bytes()
    expected = [paper.vectors["proximity"].tolist() for paper in StoredEmbeddings(tmp_path).papers()]
    draw, refused = random.Random(0), 0
    for _ in range(50):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        part.write_bytes(damaged)
        try:
            found = [paper.vectors["proximity"].tolist() for paper in StoredEmbeddings(tmp_path).papers()]
        except Specter2Error:
            refused += 1
        else:
            assert found == expected
    assert refused > 25


def test_what_is_no_embeddings_is_one_clear_line(model: Specter2, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there are no embeddings in .*none; `specter2 embed"):
        StoredEmbeddings(tmp_path / "none")
    embed_papers(PAPERS[:5], tmp_path, model)
    (name,) = Parts(tmp_path).names()
    part = tmp_path / name
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    for read in (StoredEmbeddings, lambda folder: embed_papers(PAPERS, folder, model)):
        with pytest.raises(StoreError, match=f"{name} is damaged: ") as error:
            read(tmp_path)
        assert "\n" not in str(error.value)
    pq.write_table(pa.table({"id": ["1"]}), part)
    with pytest.raises(StoreError, match="does not say what its vectors were made with"):
        StoredEmbeddings(tmp_path)
    with pytest.raises(StoreError, match="nowhere://"):
        StoredEmbeddings("nowhere://bucket/folder")


def test_only_stored_papers_have_vectors(model: Specter2, tmp_path: Path) -> None:
    embed_papers(PAPERS[:5], tmp_path.as_uri(), model)
    stored = StoredEmbeddings(tmp_path.as_uri())
    papers = list(stored.papers())
    assert [replace(paper, vectors={}) for paper in papers] == [EmbeddedPaper(**vars(paper)) for paper in PAPERS[:5]]
    assert isinstance(papers[0], EmbeddedPaper)
    np.testing.assert_allclose(stored.encode(papers, task="proximity"), model.encode(PAPERS[:5]), atol=1e-5)
    with pytest.raises(PaperError, match="is not one of the embeddings"):
        stored.encode(["a query"], task="proximity")
    with pytest.raises(TaskError, match="regression"):
        stored.fingerprint("regression")


def test_the_commands(specter2: Command, oracle: Oracle, tmp_path: Path) -> None:
    papers, vectors, store = tmp_path / "papers.jsonl", tmp_path / "vectors", tmp_path / "store"
    papers.write_text('{"id": "1", "title": "Graph networks"}\n{"id": "2", "title": "Ocean papers"}\n{"id": "3"}\n')
    model = ("--model", oracle.models)
    tasks = ("--task", "proximity", "--task", "regression")
    done = specter2("embed", papers, "--out", vectors, *tasks, *model)
    assert done.err.splitlines()[-1] == f"{vectors}: read 3 = ingested 2 + unchanged 0 + duplicate 0 + rejected 1"
    assert "unchanged 2" in specter2("embed", papers, "-o", vectors, *tasks, *model).err

    done = specter2("ingest", "--embeddings", vectors, "--store", store)
    assert done.out == "papers: read 2 = ingested 2 + unchanged 0 + duplicate 0 + rejected 0\n"
    assert "unchanged 2" in specter2("ingest", papers, "--store", store, *tasks, *model).out
    assert "Graph networks" in specter2("search", "graph", "--store", store, *model).out


@pytest.mark.slow
def test_workers_on_the_command_line(specter2: Command, oracle: Oracle, tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    papers.write_text('{"id": "1", "title": "Graph networks"}\n{"id": "2", "title": "Ocean papers"}\n')
    options = ("--model", oracle.models, "--workers", 2)
    assert "2 vectors of 48 dimensions" in specter2("embed", papers, "--out", tmp_path / "out.npz", *options).err
    assert "ingested 2" in specter2("ingest", papers, "--store", tmp_path / "store", *options).out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("embed", "x.jsonl", "--out", "out.csv"), "ends in neither .npz nor .jsonl; end a folder in /"),
        (("embed", "x.jsonl", "--out", "out.npz", "--task", "base", "--task", "query"), "vectors of one task"),
        (("embed", "x.jsonl", "--out", "out", "--workers", 2, "--devices", "cuda:0"), "name one of --device"),
        (("embed", "x.jsonl", "--out", ""), "name a file or a folder"),
        (("embed", "x.jsonl", "--out", "s3://bucket/x.jsonl"), "only folders can lie in object storage"),
        (("ingest", "--embeddings", "x", "--store", "x", "--delete-missing"), "does not go with delete-missing"),
        (("ingest", "--embeddings", "x", "--store", "x", "--model", "y"), "--embeddings does not go with model"),
        (("ingest", "--embeddings", "x", "--store", "x", "--format", "bib"), "--embeddings does not go with format"),
        (("ingest", "--store", "store"), "name one of FILES, --from SOURCE and --embeddings FOLDER"),
        (("ingest", "x.jsonl", "--embeddings", "vectors", "--store", "store"), "name one of FILES"),
    ],
)
def test_usage(specter2: Command, args: tuple[object, ...], message: str) -> None:
    failed = specter2(*args)
    assert failed.code == 2
    assert message in " ".join(failed.err.replace("│", " ").split())
