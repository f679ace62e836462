"""Papers that have left their source: whose they are, how many, and who was asked."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.papers import Origin
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.points import id_of
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.pipeline.sources import source_of
from specter2_plugins.qdrant import IngestReport
from specter2_plugins.readers import Rejected


def papers(numbers: Sequence[int], file: Path | None = None) -> list[Paper]:
    origin = None if file is None else Origin(str(file), 1)
    return [Paper(f"Graphs {number}", id=str(number), origin=origin) for number in numbers]


def ids(client: QdrantClient) -> set[str]:
    found, _ = client.scroll("papers", limit=1000)
    return {str((point.payload or {}).get("metadata", {}).get("id", point.id)) for point in found}


def sources(client: QdrantClient, paper: str) -> list[str] | None:
    (point,) = client.retrieve("papers", [id_of(paper)])
    return point.payload["specter2"].get("sources")


def names(numbers: Sequence[int]) -> set[str]:
    return set(map(str, numbers))


@pytest.fixture
def ingest(client: QdrantClient, model: Specter2) -> Any:
    def call(records: Sequence[Any], *, delete: bool = True, **settings: Any) -> IngestReport:
        return ingest_papers(records, client, model, delete_missing=delete, **settings)

    return call


def always(gone: int, belonging: int) -> bool:
    return True


def test_only_the_same_source_loses_papers(client: QdrantClient, ingest: Any) -> None:
    assert ingest(papers(range(20)), source="a").deleted == 0
    assert ingest(papers(range(20, 25)), source="b").deleted == 0
    dry = ingest(papers(range(1, 20)), source="a", dry_run=True)
    assert (dry.deleted, len(ids(client))) == (1, 25)
    assert ingest(papers(range(1, 20)), source="a").deleted == 1
    assert ids(client) == names(range(1, 25))
    # A run that is not asked to delete does not.
    assert ingest(papers([1]), source="a", delete=False).deleted == 0
    assert len(ids(client)) == 24


def test_a_paper_that_two_sources_bring_leaves_with_the_second(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(20)), source="a")
    ingest(papers([0, 100]), source="b")
    assert ingest(papers([0, 100]), source="b").unchanged == ingest(papers(range(20)), source="a").unchanged - 18 == 2
    changed = ingest([Paper("Graphs 0", id="0", metadata={"year": 2020}), *papers([100])], source="b")
    assert (changed.ingested, changed.embedded) == (1, 0)
    assert sorted(sources(client, "0")) == ["a", "b"]
    assert ingest(papers(range(1, 20)), source="a").deleted == 0
    assert sources(client, "0") == ["b"]
    assert ingest(papers([100]), source="b", confirm=always).deleted == 1
    assert ids(client) == names([*range(1, 20), 100])


def test_papers_of_two_files_of_one_run(client: QdrantClient, ingest: Any, tmp_path: Path) -> None:
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    a.touch(), b.touch()
    ingest([*papers(range(20), a), *papers([0, *range(100, 120)], b)])
    assert sorted(sources(client, "0")) == sorted([source_of(a), source_of(b)])
    # Each file alone loses its own, and what the other one brings too stays.
    assert ingest(papers(range(2, 20), a)).deleted == 1
    assert ids(client) == names([0, *range(2, 20), *range(100, 120)])
    assert ingest(papers(range(100, 119), b)).deleted == 2


def test_a_file_is_the_same_source_by_every_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "papers.jsonl"
    file.touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(file)
    monkeypatch.chdir(tmp_path / "folder")
    same = {source_of(path) for path in (file, "../papers.jsonl", "../link", f"{tmp_path}//./papers.jsonl")}
    assert len(same) == 1
    assert same.pop().startswith("papers.jsonl#")
    other = tmp_path / "folder" / "papers.jsonl"
    other.touch()
    assert source_of(other) != source_of(file)
    assert source_of("s3://bucket/a") == source_of("s3://bucket/a/") != source_of("s3://bucket/b/a")
    os.mkfifo("pipe")
    assert [source_of(nameless) for nameless in ("stdin", "pipe", "gone.jsonl")] == [None] * 3


def test_who_brings_papers_must_be_known(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(3)), delete=False)
    with pytest.raises(StoreError, match="records:1: nobody can say what brings this paper"):
        ingest(papers([7]))
    assert ids(client) == names(range(3))
    for name in ("", " ", "a\nb", "x" * 256):
        with pytest.raises(StoreError, match="the source's name is"):
            ingest(papers([7]), source=name)


def test_more_than_a_tenth_is_asked_about(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(100, 200)), source="b")
    ingest(papers(range(20)), source="a")
    with pytest.raises(StoreError, match=r"3 of the 20 papers of a have left, more than a tenth.*--yes"):
        ingest(papers(range(3, 20)), source="a")
    asked: list[tuple[int, int]] = []

    def no(gone: int, belonging: int) -> bool:
        asked.append((gone, belonging))
        return False

    assert ingest(papers(range(3, 20)), source="a", confirm=no).deleted == 0
    assert asked == [(3, 20)]
    assert len(ids(client)) == 120
    assert ingest(papers(range(2, 20)), source="a", confirm=no).deleted == 2
    assert asked == [(3, 20)]
    assert ingest(papers(range(9, 20)), source="a", confirm=always).deleted == 7


def test_what_could_not_be_read_is_not_deleted(client: QdrantClient, ingest: Any, tmp_path: Path) -> None:
    a = tmp_path / "a.jsonl"
    a.touch()
    ingest(papers(range(30), a))
    unreadable = [Rejected(str(a), 21, "25", "?"), Paper("Odd", id="26", metadata={"a": float("nan")}, origin=None)]
    unreadable[1] = replace(unreadable[1], origin=Origin(str(a), 22))
    assert ingest([*papers(range(20), a), *unreadable], confirm=always).deleted == 8
    assert ids(client) == names([*range(20), 25, 26])
    with pytest.raises(StoreError, match="1 rejected records have no id"):
        ingest([*papers(range(5), a), Rejected(str(a), 6, None, "cut off")], confirm=always)
    with pytest.raises(StoreError, match="every paper of 'papers' would be deleted"):
        ingest([], confirm=always)
    # All that there is was unreadable: none of it is deleted.
    assert ingest([Rejected(str(a), line, str(line), "?") for line in range(30)], confirm=always).deleted == 0
    assert len(ids(client)) == 22


def test_a_run_that_is_cut_off_deletes_nothing(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(20)), source="a")

    def cut_off() -> Iterator[Paper]:
        yield from papers(range(5))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(cut_off(), source="a", confirm=always)
    assert len(ids(client)) == 20


def test_points_that_know_no_source_stay_until_they_are_adopted(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(10)), delete=False)
    assert sources(client, "0") is None
    points = [models.PointStruct(id=id, vector={}, payload={"note": "mine"}) for id in (7007, str(uuid.uuid4()))]
    client.upsert("papers", points)
    report = ingest(papers(range(8)), source="a")
    assert (report.unchanged, report.deleted, report.sourceless, report.foreign) == (8, 0, 2, 2)
    assert sources(client, "0") == ["a"]
    with pytest.raises(StoreError, match="2 of the 10 papers of a have left"):
        ingest(papers(range(8)), source="a", adopt=True)
    report = ingest(papers(range(8)), source="a", adopt=True, confirm=always)
    assert (report.unchanged, report.deleted, report.sourceless, report.foreign) == (8, 2, 0, 2)
    assert len(ids(client)) == 10


def test_payloads_of_others_under_our_name_are_left_alone(client: QdrantClient, ingest: Any) -> None:
    ingest(papers(range(3)), source="a")
    odd = ["text", ["a"], {"sources": "a"}, {"sources": [5]}]
    points = [
        models.PointStruct(id=str(uuid.uuid4()), vector={}, payload={"specter2": value, "metadata": {}})
        for value in odd
    ]
    client.upsert("papers", points)
    report = ingest(papers(range(3)), source="a", confirm=always)
    assert (report.deleted, report.sourceless, report.foreign) == (0, 2, 2)


def test_a_set_gives_back_its_ids() -> None:
    points = [str(uuid.UUID(int=number << 64)) for number in range(1, 300_000)]
    known = IdSet()
    known.add(points)
    assert sorted(known) == sorted(points)
