"""What a client did not make is never changed; what the engine cannot keep is refused before it is written."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import models

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient, collection, locking
from specter2_plugins.qdrant import open_client
from tests.edge.waiting import indexed

PLAIN = models.VectorParams(size=2, distance=models.Distance.DOT)
WORDS = {"s": models.SparseVectorParams()}


def filled(folder: Path) -> EdgeClient:
    client = EdgeClient(folder)
    client.create_collection("c", PLAIN, sparse_vectors_config=WORDS)
    client.upsert("c", [models.PointStruct(id=n, vector=[1, n], payload={"a": n}) for n in range(5)])
    return client


def tree(folder: Path) -> dict[str, Any]:
    """Everything below a folder: its files' bytes, its links' targets; of the lock only that it is there."""
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else path.is_file() and path.name != locking.NAME and path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def assert_one_line(error: pytest.ExceptionInfo[BaseException]) -> None:
    assert "\n" not in str(error.value)


# folders


def server_storage(folder: Path) -> None:
    for name in ("aliases", "collections/papers/0/segments", ".deleted"):
        (folder / name).mkdir(parents=True)
    (folder / "aliases" / "data.json").write_text("{}")
    (folder / "collections" / "papers" / "config.json").write_text("{}")
    (folder / "collections" / "papers" / "0" / "segments" / "data").write_bytes(b"vectors")
    (folder / "raft_state.json").write_text("{}")


def documents(folder: Path) -> None:
    (folder / "thesis.tex").write_text("mine")


def with_a_meta_json(folder: Path) -> None:
    (folder / "meta.json").write_text('{"author": "me"}')


def without_edge_json(folder: Path) -> None:
    filled(folder).close()
    (folder / "edge.json").unlink()


@pytest.mark.parametrize("fill", [server_storage, documents, with_a_meta_json, without_edge_json])
@pytest.mark.parametrize("create", [True, False])
def test_a_folder_that_is_no_store_is_left_alone(tmp_path: Path, fill: Callable[[Path], None], create: bool) -> None:
    fill(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"is no embedded store: it has no edge.json and holds") as refused:
        EdgeClient(tmp_path)
    assert_one_line(refused)
    with pytest.raises(StoreError, match="is no embedded store"), open_client(tmp_path, create=create):
        pass
    assert tree(tmp_path) == before


def test_searching_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"), open_client(tmp_path, create=False):
        pass
    assert tree(tmp_path) == {}


def test_what_lies_beside_collections_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path).close()
    parent = tmp_path / "collections"
    for name in ("my-backup", ".unfinished-mine"):
        (parent / name).mkdir()
        (parent / name / "keep.txt").write_text("mine")
    (parent / "empty").mkdir()
    (parent / ".unfinished-link").symlink_to(parent / "my-backup")
    (parent / "notes.txt").write_text("mine")
    (tmp_path / "aside").mkdir()
    (parent / "c" / "collection.json").rename(tmp_path / "aside" / "collection.json")  # a restore that is half done
    before = tree(tmp_path)
    with EdgeClient(tmp_path) as client:
        assert client.get_collections().collections == []
        with pytest.raises(StoreError, match=r"Collection c not found: .*/c has no collection.json"):
            client.count("c")
        for name in ("c", "my-backup", "empty", "notes.txt"):
            with pytest.raises(StoreError, match=r"is there, and no collection: it has no collection.json"):
                client.create_collection(name, PLAIN)
        with pytest.raises(StoreError, match="cannot name a collection"):
            client.create_collection(".unfinished-mine", PLAIN)
    assert tree(tmp_path) == before
    (tmp_path / "aside" / "collection.json").rename(parent / "c" / "collection.json")
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 5


def test_only_what_is_marked_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A creation and a deletion that are cut off, the folder that one leaves holding a file of the user."""
    parent = tmp_path / "collections"
    with filled(tmp_path) as client:
        client.create_collection("d", PLAIN)
        with monkeypatch.context() as cut:
            cut.setattr(collection.files, "clear", lambda *_: None)
            client.delete_collection("d")
            cut.setattr(collection.files, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                client.create_collection("e", PLAIN)
    first, second = sorted(parent.glob(".unfinished-*"))
    (first / "keep.txt").write_text("mine")
    with EdgeClient(tmp_path) as client:
        assert [found.name for found in client.get_collections().collections] == ["c"]
    assert {path.name for path in first.iterdir()} == {"keep.txt", "unfinished"}
    assert not second.exists()


def test_deleting_spares_what_is_not_the_collections(tmp_path: Path) -> None:
    with filled(tmp_path) as client:
        (tmp_path / "collections" / "c" / "notes.txt").write_text("mine")
        with pytest.raises(StoreError, match=r"also holds 'notes.txt', which is not the collection's"):
            client.delete_collection("c")
        assert client.count("c").count == 5
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "collections" / "c" / "notes.txt").unlink()
        (tmp_path / "collections" / "c").rename(tmp_path / "elsewhere" / "c")
    (tmp_path / "collections" / "c").symlink_to(tmp_path / "elsewhere" / "c")
    with EdgeClient(tmp_path) as client:
        with pytest.raises(StoreError, match="is a link"):
            client.delete_collection("c")
        assert client.count("c").count == 5


@pytest.mark.filterwarnings("ignore:`recreate_collection`")
def test_a_collection_outlives_a_recreation_that_fails(tmp_path: Path) -> None:
    with filled(tmp_path) as client:
        for wrong in (models.VectorParams.model_construct(size=0, distance=models.Distance.DOT), {"v" * 300: PLAIN}):
            with pytest.raises(StoreError):
                client.recreate_collection("c", wrong)
        assert client.count("c").count == 5
        client.recreate_collection("c", PLAIN)
        assert client.count("c").count == 0
    assert [path.name for path in (tmp_path / "collections").iterdir()] == ["c"]


def test_planted_links_are_not_followed(tmp_path: Path) -> None:
    target, store = tmp_path / "target", tmp_path / "store"
    target.write_text("mine")
    filled(store).close()
    places = [store / "edge.tmp", store / "collections" / "c" / "collection.tmp"]
    for place in places:
        place.symlink_to(target)
    with EdgeClient(store) as client:
        client.update_collection("c", metadata={"a": 1})
        client.update_collection_aliases(
            [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name="c", alias_name="x"))]
        )
    assert target.read_text() == "mine"
    assert all(place.is_symlink() for place in places)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".lock").symlink_to(tmp_path / "absent")
    with pytest.raises(OSError, match=r"\.lock"):
        EdgeClient(tmp_path / "new")
    assert not (tmp_path / "absent").exists()


# damage


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", '{"format": 1}', "[" * 100_000, "\udcff"),
        *('{"format": 1, "aliases": [1]}', '{"format": 1, "aliases": {"a": 1}}'),
    ],
)
def test_a_damaged_edge_json_is_one_line(tmp_path: Path, text: str) -> None:
    EdgeClient(tmp_path).close()
    (tmp_path / "edge.json").write_text(text, errors="surrogateescape")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"edge.json is damaged \(.+\); put it back from a copy") as refused:
        EdgeClient(tmp_path)
    assert_one_line(refused)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"vectors": 7}', "[" * 100_000, "\udcff"])
def test_a_damaged_collection_blocks_no_other(tmp_path: Path, text: str) -> None:
    with filled(tmp_path) as client:
        client.create_collection("d", PLAIN)
    (tmp_path / "collections" / "d" / "collection.json").write_text(text, errors="surrogateescape")
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 5
        assert {found.name for found in client.get_collections().collections} == {"c", "d"}
        for call in (client.count, client.get_collection, lambda name: client.upsert(name, [])):
            with pytest.raises(StoreError, match=r"collection 'd': .*collection.json is damaged \(.+\)") as refused:
                call("d")
            assert_one_line(refused)
        client.delete_collection("d")
        client.create_collection("d", PLAIN)


# what cannot be kept


def nested(levels: int, leaf: Any = 1, kind: Callable[[Any], Any] = lambda inner: {"k": inner}) -> Any:
    for _ in range(levels):
        leaf = kind(leaf)
    return leaf


def deep_filter(levels: int) -> models.Filter:
    condition: Any = models.FieldCondition(key="a", match=models.MatchValue(value=1))
    return nested(levels, condition, lambda inner: models.Filter.model_construct(must=[inner]))


def matching(**condition: Any) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key="a", **condition)])


UNKEPT_PAYLOADS = {
    "deep": nested(125),
    "very deep": nested(5_000),
    "deep lists": {"a": nested(130, kind=lambda inner: [inner])},
    "a large integer": {"a": [{"b": 2**64}]},
    "a small integer": {"a": -(2**63) - 1},
    "NaN": {"a": {"b": [float("nan")]}},
    "infinity": {"a": float("-inf")},
    "half a surrogate pair": {"a": "\ud800"},
    "half a surrogate pair in a key": {"a": {"\udfff": 1}},
    "bytes": {"a": b"\xff"},
}
UNKEPT_FILTERS = {
    "deep": deep_filter(63),
    "very deep": deep_filter(3_000),
    "NaN": matching(range=models.Range(gt=float("nan"))),
    "infinity": matching(range=models.Range(gte=float("inf"))),
    "a large integer": matching(match=models.MatchValue(value=2**63)),
    "larger ones": matching(match=models.MatchAny(any=[2**70])),
    "half a surrogate pair": matching(match=models.MatchValue(value="\ud800")),
    "no path": models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="a[["))]),
    "a large id": models.Filter(must=[models.HasIdCondition.model_construct(has_id=[2**64])]),
}


def unkept() -> dict[str, tuple[Callable[[EdgeClient], Any], str]]:
    """Writes -> how each is refused."""
    point, sparse = models.PointStruct.model_construct, models.SparseVector.model_construct
    calls: dict[str, tuple[Callable[[EdgeClient], Any], str]] = {}
    for name, payload in UNKEPT_PAYLOADS.items():
        bad = point(id=9, vector=[1, 1], payload=payload)
        calls[f"upsert {name}"] = (
            lambda client, bad=bad: client.upsert("c", [point(id=8, vector=[1, 1], payload={}), bad]),
            "^point 9: ",
        )
        for method in ("set_payload", "overwrite_payload"):
            calls[f"{method} {name}"] = (
                lambda client, method=method, payload=payload: getattr(client, method)("c", payload, [1, 2]),
                f"^{method} of points 1, 2: ",
            )
        calls[f"batch {name}"] = (
            lambda client, payload=payload: client.batch_update_points(
                "c",
                [
                    models.DeleteOperation(delete=models.PointIdsList(points=[1])),
                    models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, points=[2])),
                ],
            ),
            "^set_payload of point 2: ",
        )
        calls[f"metadata {name}"] = (
            lambda client, payload=payload: client.update_collection("c", metadata=payload),
            "^the collection's metadata: ",
        )
    for name, given in UNKEPT_FILTERS.items():
        calls[f"delete {name}"] = (lambda client, given=given: client.delete("c", given), "filter|engine|point id")
        calls[f"count {name}"] = (lambda client, given=given: client.count("c", given), "filter|engine|point id")
    for name, key in {"deep": ".".join("k" * 130), "text": "\ud800", "none": "a[["}.items():
        calls[f"key {name}"] = (lambda client, key=key: client.set_payload("c", {"b": 1}, [1], key=key), "set_payload")
    calls["key and payload"] = (
        lambda client: client.set_payload("c", nested(70), [1], key=".".join("k" * 70)),
        "set_payload of point 1: it is nested more than 100 levels",
    )
    vectors = {
        "infinity": [float("inf"), 1],
        "beyond 32 bits": [1e39, 1],
        "beyond floats": [10**400, 1],
        "sparse infinity": {"s": sparse(indices=[1], values=[float("inf")])},
        "sparse beyond 32 bits": {"s": sparse(indices=[1], values=[-1e39])},
        "a large index": {"s": sparse(indices=[2**32], values=[1.0])},
        "a negative index": {"s": sparse(indices=[-1], values=[1.0])},
        "a surrogate as a name": {"\ud800": [1, 1]},
    }
    for name, vector in vectors.items():
        calls[f"vector {name}"] = (
            lambda client, vector=vector: client.upsert("c", [point(id=9, vector=vector, payload={})]),
            "^point 9, vector ",
        )
    for given in (2**64, -1, 1.5, "\ud800", True):
        calls[f"id {given!a}"] = (
            lambda client, given=given: client.upsert("c", [point(id=given, vector=[1, 1], payload={})]),
            "the point id",
        )
        calls[f"delete id {given!a}"] = (lambda client, given=given: client.delete("c", [given]), "the point id")
    for name in ("é" * 128, "x" * 256, "", "\ud800", "a/b", ".."):
        calls[f"collection {name[:3]!a}"] = (
            lambda client, name=name: client.create_collection(name, PLAIN),
            "cannot name a collection|the name of a collection",
        )
    for name in ("é" * 121, "\ud800", "a\0", "../b"):
        calls[f"named vector {name[:3]!a}"] = (
            lambda client, name=name: client.create_collection("d", {name: PLAIN}),
            "vector",
        )
    for name in ("é" * 128, "", "\ud800"):
        calls[f"alias {name[:3]!a}"] = (
            lambda client, name=name: client.update_collection_aliases(
                [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name="c", alias_name=name))]
            ),
            "an alias",
        )
    huge = models.VectorParams.model_construct(size=2**40, distance=models.Distance.DOT)
    calls["dimensions"] = (lambda client: client.create_collection("d", huge), "1 to 65536 are allowed")
    calls["index"] = (lambda client: client.create_payload_index("c", "\ud800", "keyword"), "the payload index")
    return calls


def test_what_cannot_be_kept_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with filled(tmp_path) as client:
        points = client.scroll("c", with_vectors=True)
        for name, (call, message) in unkept().items():
            with pytest.raises(StoreError, match=message) as refused:
                call(client)
            assert_one_line(refused)
            assert len(str(refused.value)) < 400, name
        assert client.scroll("c", with_vectors=True) == points
        client._backend.close(index=False)
    with EdgeClient(tmp_path) as client:
        assert client.scroll("c", with_vectors=True) == points
        assert [found.name for found in client.get_collections().collections] == ["c"]


def test_what_just_fits_is_kept(tmp_path: Path) -> None:
    payload = nested(99, {"n": [2**64 - 1, -(2**63), 1e308, "\U0001f98a", "\0"]})
    payload = {"deep": payload["k"]["k"]}
    with filled(tmp_path) as client:
        client.upsert("c", [models.PointStruct(id=2**64 - 1, vector=[3e38, 1], payload=payload)])
        client.set_payload("c", nested(49), [1], key=".".join("k" * 50))
        client.delete("c", deep_filter(40))
        client.create_collection("é" * 127, {"v" * 240: PLAIN})
        client._backend.close(index=False)
    with EdgeClient(tmp_path) as client:
        assert client.retrieve("c", [2**64 - 1])[0].payload == payload
        client.optimize("c")
        assert client.retrieve("c", [2**64 - 1])[0].payload == payload
        assert client.count("é" * 127).count == 0


# configurations


@pytest.mark.parametrize(
    "change",
    [
        {"sparse_vectors_config": {"s": models.SparseVectorParams(modifier=models.Modifier.IDF)}},
        {"hnsw_config": models.HnswConfigDiff.model_construct(m=-1)},
        {"hnsw_config": models.HnswConfigDiff.model_construct(m=2**64)},
        {"optimizers_config": models.OptimizersConfigDiff.model_construct(indexing_threshold="many")},
        {"optimizers_config": models.OptimizersConfigDiff.model_construct(indexing_threshold=-1)},
        {"metadata": nested(300)},
    ],
)
def test_an_update_that_fails_changes_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    description = tmp_path / "collections" / "c" / "collection.json"
    with filled(tmp_path) as client:
        before = description.read_text()
        with pytest.raises(StoreError) as refused:
            client.update_collection("c", **change)
        assert_one_line(refused)
        assert description.read_text() == before
        assert client.count("c").count == 5
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 5


def test_what_an_older_version_left_behind_opens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with filled(tmp_path) as client:
        client.update_collection("c", metadata={"model": "abc"})
        before = client.get_collection("c").config
    description = tmp_path / "collections" / "c" / "collection.json"
    content = json.loads(description.read_text())
    content["sparse_vectors"]["s"]["modifier"] = "idf"
    content["hnsw_config"] = {"m": 2**64}
    description.write_text(json.dumps(content))
    with caplog.at_level(logging.WARNING), EdgeClient(tmp_path) as client:
        assert client.count("c").count == 5
        found = client.get_collection("c").config
        assert found.params == before.params
        assert found.metadata == {"model": "abc"}
        client.upsert("c", [models.PointStruct(id=9, vector=[1, 1])])
        client.update_collection("c", metadata={"model": "def"})
    assert [record.getMessage().partition(" asks")[0] for record in caplog.records] == [
        "collection 'c': its collection.json"
    ]
    with EdgeClient(tmp_path) as client:
        assert client.count("c").count == 6


# indexes


@pytest.fixture
def eager(tmp_path: Path) -> EdgeClient:
    client = EdgeClient(tmp_path)
    small = models.OptimizersConfigDiff(indexing_threshold=16)
    client.create_collection(
        "c", models.VectorParams(size=64, distance=models.Distance.EUCLID), optimizers_config=small
    )
    return client


def write(client: EdgeClient, start: int, count: int = 100) -> None:
    client.upsert("c", [models.PointStruct(id=n, vector=[float(n)] * 64) for n in range(start, start + count)])


def no_interpreter(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(sys, "exec_prefix", str(folder / "nowhere"))


def frozen(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def broken(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    python = folder / "python3"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def not_executable_by_the_system(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    python = folder / "python3"
    python.write_text("nothing that runs")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


@pytest.mark.parametrize("breaking", [no_interpreter, frozen, broken, not_executable_by_the_system])
def test_an_index_that_cannot_be_built_is_no_failure(
    eager: EdgeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path_factory: pytest.TempPathFactory,
    breaking: Callable[[pytest.MonkeyPatch, Path], None],
) -> None:
    with monkeypatch.context() as broken_builder, caplog.at_level(logging.WARNING):
        breaking(broken_builder, tmp_path_factory.mktemp("python"))
        for start in range(0, 600, 100):
            write(eager, start)
        assert indexed(eager) == 0
        assert eager.count("c").count == 600
        assert eager.query_points("c", [77.0] * 64, limit=1).points[0].id == 77
        with pytest.raises(StoreError, match="collection 'c' could not be indexed: "):
            eager.optimize("c")
        assert len(caplog.records) == 1
        assert "it is searched without, and indexed later" in caplog.text
        eager.update_collection("c", hnsw_config=models.HnswConfigDiff(m=8))
    write(eager, 600, 1200)
    assert indexed(eager) == 1800
    with monkeypatch.context() as broken_builder:
        breaking(broken_builder, tmp_path_factory.mktemp("python"))
        write(eager, 1800)
        eager.close()


def test_a_failing_build_is_not_repeated_at_each_write(eager: EdgeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def no_memory(shard: Path) -> None:
        tries.append(shard)
        raise StoreError("no memory")

    monkeypatch.setattr(collection, "Builder", no_memory)
    for start in range(0, 3200, 100):
        write(eager, start)
        assert indexed(eager) == 0
    assert 3 <= len(tries) <= 7  # at 100, 200, 400, ...
    eager.close()


def test_a_build_is_not_led_astray(
    eager: EdgeClient, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = tmp_path_factory.mktemp("here")
    for name in ("ctypes", "os", "qdrant_edge", "encodings", "sitecustomize"):
        (here / f"{name}.py").write_text("raise SystemExit('led astray')")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", str(here))
    monkeypatch.setenv("PYTHONHOME", str(here))
    monkeypatch.setattr(sys, "executable", "")
    write(eager, 0, 300)
    assert indexed(eager) == 300
    eager.close()


def test_a_store_named_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    client = filled(Path("store"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    client.optimize("c")
    client.update_collection("c", metadata={"a": 1})
    client.close()
    with EdgeClient(tmp_path / "store") as client:
        assert client.count("c").count == 5
        assert client.get_collection("c").config.metadata == {"a": 1}


# room


def test_the_room_asked_for_follows_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(collection.files, "require_room", lambda folder, size: asked.append(size >> 20))
    mebi = "x" * 2**20
    with filled(tmp_path) as client:
        asked.clear()
        client.upsert("c", [models.PointStruct(id=n, vector=[1, 1], payload={"t": mebi}) for n in range(20)])
        client.set_payload("c", {"t": mebi}, [1, 2, 3])
        client.set_payload("c", {"t": mebi}, models.Filter())
        client.delete("c", [19])
    assert asked == [64 + 80, 64 + 12, 64 + 80, 64]
