"""An index that is built beside the collection while that is written to and searched."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import models

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient, collection
from specter2_plugins.edge.indexing import Builder
from tests.edge.waiting import indexed

SIZE = 32
THRESHOLD = models.OptimizersConfigDiff(indexing_threshold=2)  # 16 points

Expected = dict[int, tuple[list[float], dict[str, Any]]]


def make(client: EdgeClient) -> None:
    client.create_collection(
        "c",
        {"a": models.VectorParams(size=SIZE, distance=models.Distance.EUCLID)},
        sparse_vectors_config={"s": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        optimizers_config=THRESHOLD,
    )


def point(number: int, version: int) -> models.PointStruct:
    vector = [float(number), float(version)] * (SIZE // 2)
    sparse = models.SparseVector(indices=[number % 7], values=[1.0])
    payload = {"version": version, "third": version % 3}
    return models.PointStruct(id=number, vector={"a": vector, "s": sparse}, payload=payload)


def write(client: EdgeClient, expected: Expected, version: int, draw: random.Random) -> None:
    """One of the ways to change points, in the collection and in what is expected of it."""
    third = models.FieldCondition(key="third", match=models.MatchValue(value=draw.randrange(3)))
    chosen = models.Filter(must=[third])
    met = [number for number, (_, payload) in expected.items() if payload.get("third") == third.match.value]
    kind = draw.choice(["upsert"] * 6 + ["delete", "delete by filter", "payload", "vector", "index"])
    if kind == "upsert":
        points = [point(draw.randrange(400), version) for _ in range(20)]
        client.upsert("c", points)
        expected.update({made.id: (made.vector["a"], dict(made.payload)) for made in points})
    elif kind == "delete":
        ids = draw.sample(range(400), 20)
        client.delete("c", ids)
        for number in ids:
            expected.pop(number, None)
    elif kind == "delete by filter" and len(met) < 60:
        client.delete("c", chosen)
        for number in met:
            del expected[number]
    elif kind == "payload":
        client.set_payload("c", {"third": version % 3, "more": version}, points=chosen)
        for number in met:
            expected[number][1].update(third=version % 3, more=version)
    elif kind == "vector" and met:
        vector = [float(met[0]), -1.0] * (SIZE // 2)
        client.update_vectors("c", [models.PointVectors(id=met[0], vector={"a": vector})])
        expected[met[0]] = (vector, expected[met[0]][1])
    elif kind == "index":
        client.create_payload_index("c", draw.choice(["third", "version"]), models.PayloadSchemaType.INTEGER)


def held(client: EdgeClient) -> Expected:
    points, _ = client.scroll("c", limit=1000, with_vectors=["a"])
    assert client.count("c").count == len(points)
    return {found.id: (found.vector["a"], found.payload) for found in points}


def test_nothing_of_what_is_written_during_a_build_is_lost(tmp_path: Path) -> None:
    draw, expected = random.Random(1), Expected()
    client = EdgeClient(tmp_path)
    make(client)

    def build() -> None:
        for _ in range(3):
            client.optimize("c")

    builds = threading.Thread(target=build)
    write(client, expected, 0, draw)
    builds.start()
    for version in range(1, 300):
        write(client, expected, version, draw)
        builds.join(0.01)
        number = draw.choice(list(expected) or [0])
        if number in expected:
            nearest = client.query_points("c", expected[number][0], using="a", limit=1).points
            assert nearest[0].score == 0.0
    builds.join()
    assert held(client) == expected
    indexed(client)
    assert held(client) == expected
    client.close()
    assert [folder.name for folder in (tmp_path / "collections").iterdir()] == ["c"]
    assert len(list((tmp_path / "collections" / "c").iterdir())) == 2
    with EdgeClient(tmp_path) as client:
        assert held(client) == expected


class Held(Builder):
    """A builder that waits, so that what happens meanwhile happens meanwhile."""

    begun: threading.Event
    go_on: threading.Event

    def optimize(self) -> None:
        super().optimize()
        self.begun.set()
        self.go_on.wait()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Held]]:
    Held.begun, Held.go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(collection, "Builder", Held)
    yield Held
    Held.go_on.set()


def test_no_write_and_no_search_waits_for_a_build(edge: EdgeClient, slow: type[Held]) -> None:
    make(edge)
    edge.upsert("c", [point(number, 0) for number in range(100)])
    assert slow.begun.wait(60)
    edge.upsert("c", [point(number, 1) for number in range(50, 150)])
    edge.delete("c", list(range(10)))
    assert edge.query_points("c", point(60, 1).vector["a"], using="a", limit=1).points[0].payload["version"] == 1
    assert edge.count("c").count == 140
    before = edge.get_collection("c")
    assert before.status == models.CollectionStatus.YELLOW
    slow.go_on.set()
    assert indexed(edge) >= before.indexed_vectors_count + 90
    assert edge.count("c").count == 140
    versions = {found.id: found.payload["version"] for found in edge.scroll("c", limit=200)[0]}
    assert versions == {number: int(number >= 50) for number in range(10, 150)}


def test_a_vector_that_is_added_during_a_build_is_there(edge: EdgeClient, slow: type[Held]) -> None:
    make(edge)
    edge.upsert("c", [point(number, 0) for number in range(100)])
    assert slow.begun.wait(60)
    edge.create_vector_name("c", "b", {"dense": {"size": 2, "distance": "Dot"}})
    edge.delete_vector_name("c", "s")
    edge.update_vectors("c", [models.PointVectors(id=5, vector={"b": [1, 2]})])
    slow.go_on.set()
    assert indexed(edge) >= 100
    assert edge.retrieve("c", [5], with_vectors=["b"])[0].vector == {"b": [1, 2]}
    assert edge.get_collection("c").config.params.vectors.keys() == {"a", "b"}
    assert not edge.get_collection("c").config.params.sparse_vectors


def test_closing_in_a_hurry_ends_a_build(tmp_path: Path, slow: type[Held], caplog: pytest.LogCaptureFixture) -> None:
    client = EdgeClient(tmp_path)
    make(client)
    client.upsert("c", [point(number, 0) for number in range(100)])
    assert slow.begun.wait(60)
    slow.go_on.set()
    client._backend.close(index=False)
    assert not caplog.records
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 100


def test_what_changes_the_configuration_ends_a_build_that_goes_on(edge: EdgeClient, slow: type[Held]) -> None:
    make(edge)
    edge.upsert("c", [point(number, 0) for number in range(100)])
    assert slow.begun.wait(60)
    slow.go_on.set()
    edge.update_collection("c", hnsw_config=models.HnswConfigDiff(m=4))
    info = edge.get_collection("c")
    assert info.config.hnsw_config.m == 4
    assert indexed(edge) == 200  # sparse ones count


def test_a_collection_is_deleted_while_it_is_indexed(tmp_path: Path, slow: type[Held]) -> None:
    with EdgeClient(tmp_path) as client:
        make(client)
        client.upsert("c", [point(number, 0) for number in range(100)])
        assert slow.begun.wait(60)
        slow.go_on.set()
        client.delete_collection("c")
        assert list((tmp_path / "collections").iterdir()) == []


@pytest.mark.slow
def test_many_builds_leave_few_segments(edge: EdgeClient) -> None:
    make(edge)
    for start in range(0, 12 * 20, 20):
        edge.upsert("c", [point(number, 0) for number in range(start, start + 20)])
        edge.optimize("c")
    info = edge.get_collection("c")
    assert info.segments_count <= 10
    assert edge.count("c").count == 240


@pytest.mark.parametrize("moved", [True, False])
def test_a_crash_while_a_copy_takes_its_place(tmp_path: Path, moved: bool) -> None:
    with EdgeClient(tmp_path) as client:
        make(client)
        client.upsert("c", [point(number, 0) for number in range(10)])
    folder = tmp_path / "collections" / "c"
    shutil.copytree(folder / "shard", folder / "shard-1")
    foreign = folder / ("shard-7" if moved else "shard-1x")
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 10
        with pytest.raises(StoreError, match="also holds"):
            client.delete_collection("c")
    assert {entry.name for entry in folder.iterdir()} == {"collection.json", "shard-1", foreign.name}
    assert (foreign / "notes.txt").read_text() == "mine"
