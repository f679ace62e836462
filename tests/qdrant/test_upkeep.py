"""Collections renamed, written out, backed up, restored and deleted, on every kind of store."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, PaperCollection, Specter2, Specter2Error, StoreError, read_papers
from specter2_plugins.qdrant import open_client
from tests.stores import open_store


@pytest.fixture
def collection(client: QdrantClient, model: Specter2, papers: list[Paper]) -> PaperCollection:
    collection = PaperCollection(client, model)
    collection.ingest(papers, sparse="bm25")
    return collection


def answers(collection: PaperCollection) -> list[tuple[str | None, float]]:
    return [(hit.paper.id, pytest.approx(hit.score, abs=1e-5)) for hit in collection.search("ranking papers", 5)]


def test_rename(collection: PaperCollection, papers: list[Paper]) -> None:
    before = answers(collection)
    collection.client.create_collection("taken", models.VectorParams(size=1, distance=models.Distance.DOT))
    with pytest.raises(StoreError, match="there is a collection 'taken' already"):
        collection.rename("taken")
    assert collection.rename("articles") == 5
    assert collection.name == "articles"
    assert sorted(found.name for found in collection.client.get_collections().collections) == ["articles", "taken"]
    assert answers(collection) == before
    assert collection.ingest(papers).unchanged == 5
    with pytest.raises(StoreError, match="there is no collection 'papers'"):
        PaperCollection(collection.client, None).rename("x")


@pytest.mark.parametrize("suffix", [".jsonl", ".bib"])
def test_what_is_exported_is_read_again(
    collection: PaperCollection, papers: list[Paper], tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"out{suffix}"
    assert collection.export(file) == 5
    assert {paper.id: paper.title for paper in read_papers(file)} == {paper.id: paper.title for paper in papers}
    assert collection.export(file, "year = 2009") == 1
    assert [paper.id for paper in read_papers(file)] == ["ltr"]
    with pytest.raises(StoreError, match=r"ends in neither \.bib nor \.jsonl"):
        collection.export(tmp_path / "out.csv")
    with pytest.raises(StoreError, match="there is no collection"):
        PaperCollection(collection.client, None, "none").export(file)
    assert [paper.id for paper in read_papers(file)] == ["ltr"]


def test_metadata_that_is_named_like_a_title_takes_no_title_in_an_export(model: Specter2, tmp_path: Path) -> None:
    metadata = {"dc:title": "Other", "dc:description": "Else", "paperAbstract": "Else", "identifier": "x"}
    with PaperCollection.open(tmp_path / "store", model) as collection:
        collection.ingest([Paper("A title", "An abstract.", id="one", metadata=metadata)])
        collection.export(tmp_path / "out.jsonl")
    (paper,) = read_papers(tmp_path / "out.jsonl")
    assert (paper.id, paper.title, paper.abstract) == ("one", "A title", "An abstract.")


@pytest.mark.parametrize("kind", ["embedded", "rest"])
def test_a_backup_is_restored_in_any_store(
    collection: PaperCollection, model: Specter2, papers: list[Paper], tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "papers.backup"
    assert collection.backup(file) == 5
    with pytest.raises(StoreError, match="already"):
        collection.restore(file)
    with open_store(kind, tmp_path / "elsewhere") as client:
        again = PaperCollection(client, model)
        assert again.restore(file) == 5
        assert answers(again) == answers(collection)
        assert [hit.paper.id for hit in again.search("bumble", 1, mode="sparse")] == ["bees"]
        assert again.ingest(papers).unchanged == 5
        kept = client.get_collection("papers").payload_schema
        assert {key: schema.data_type for key, schema in kept.items()} == {
            key: schema.data_type for key, schema in collection.client.get_collection("papers").payload_schema.items()
        }


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda data: b"", "no backup"),
        (lambda data: b"@article{x}", "no backup"),
        (lambda data: gzip.compress(b'{"id": 1}\n'), "no backup"),
        (lambda data: gzip.compress(b"".join(gzip.decompress(data).splitlines(True)[:-1])), "cut off: it ends after 5"),
        (
            lambda data: gzip.compress(b"".join((lines := gzip.decompress(data).splitlines(True))[:2] + lines[3:])),
            "holds 4 points of 5",
        ),
        (
            lambda data: gzip.compress(gzip.decompress(data).replace(b'"version": 1', b'"version": 9')),
            "another version",
        ),
        (lambda data: gzip.compress(gzip.decompress(data).replace(b'"payload"', b'"other"')), "point 1 cannot be read"),
    ],
)
def test_a_damaged_backup_leaves_nothing(
    damage: object, said: str, model: Specter2, papers: list[Paper], tmp_path: Path
) -> None:
    file = tmp_path / "papers.backup"
    with PaperCollection.open(":memory:", model) as collection:
        collection.ingest(papers)
        collection.backup(file)
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    with open_client(":memory:") as client:
        client.create_collection("other", vectors_config={})
        with pytest.raises(StoreError, match=said):
            PaperCollection(client, model).restore(file)
        assert [found.name for found in client.get_collections().collections] == ["other"]


def test_a_backup_that_fails_leaves_the_file_that_was_there(model: Specter2, tmp_path: Path) -> None:
    file = tmp_path / "old.backup"
    file.write_text("kept")
    with PaperCollection.open(":memory:", model) as collection:
        with pytest.raises(StoreError, match="there is no collection"):
            collection.backup(file)
        collection.ingest([{"title": "T"}])
        with pytest.raises(Specter2Error, match="cannot write"):
            collection.backup(tmp_path / "none" / "x.backup")
    assert file.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["old.backup"]


def test_drop_and_optimize(collection: PaperCollection) -> None:
    collection.optimize()
    assert collection.drop() == 5
    assert collection.client.get_collections().collections == []
    for method in (collection.drop, collection.optimize):
        with pytest.raises(StoreError, match="there is no collection 'papers'"):
            method()
