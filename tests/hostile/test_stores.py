"""Embedded stores that somebody damaged or made: each command ends in the single line that says which file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("qdrant_client")

from qdrant_client import models

from specter2_plugins.edge import EdgeClient
from tests.cli.conftest import Command, specter2

__all__ = ["specter2"]

DAMAGED = {
    "nothing": b"",
    "half": b"{",
    "a number": b"5",
    "null": b"null",
    "depth": b"[" * 100_000,
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "bytes": b"\xff\x00\xfe",
}
FILES = {
    "edge.json": "edge.json is damaged",
    "collections/papers/collection.json": "collection.json is damaged",
    "collections/papers/shard/edge_config.json": "edge_config.json: ",
}
ALIASES = {
    b'{"format": 99}': "has format 99, this version of the package reads 1",
    b'{"format": "1", "aliases": {}}': "has format '1'",
    b'{"format": %s, "aliases": {}}' % (b"9" * 6000): "edge.json is damaged",
    b'{"format": 1, "aliases": 5}': "edge.json is damaged",
    b'{"format": 1, "aliases": [["a"]]}': "edge.json is damaged",
    b'{"format": 1, "aliases": {"papers": 5}}': "an alias that is not text",
    b'{"format": 1, "aliases": {"papers": "../../etc"}}': "Collection papers not found",
    b'{"format": 1, "aliases": {"other": "papers", "papers": "other"}}': "Collection papers not found",
    b'{"format": 1, "aliases": {"papers": "a\\u001b[2J\\nerror: b"}}': "Collection papers not found",
}
"""What `edge.json` may hold, with a part of the line that it comes to."""

CASES = [
    *((file, content, said) for file, said in FILES.items() for content in DAMAGED.values()),
    *(("edge.json", content, said) for content, said in ALIASES.items()),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "store"
    with EdgeClient(folder) as client:
        client.create_collection("papers", {"a": models.VectorParams(size=2, distance=models.Distance.EUCLID)})
        payload = {"page_content": "Owls\n\n", "metadata": {"id": "1"}}
        client.upsert("papers", [models.PointStruct(id=1, vector={"a": [1, 2]}, payload=payload)])
    return folder


@pytest.mark.parametrize(("file", "content", "said"), CASES, ids=lambda value: ascii(value)[:40])
def test_a_damaged_store_is_one_line(
    specter2: Command, store: Path, tmp_path: Path, file: str, content: bytes, said: str
) -> None:
    copy = Path(shutil.copytree(store, tmp_path / "store"))
    (copy / file).write_bytes(content)
    done = specter2("collections", "export", "papers", "--store", copy, "--out", tmp_path / "out.jsonl")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert said in done.err
    assert done.err.rstrip("\n").isprintable()
    assert not (tmp_path / "out.jsonl").exists()
    assert (copy / file).read_bytes() == content


def test_what_a_planted_link_leads_to_stays(specter2: Command, store: Path, tmp_path: Path) -> None:
    copy, mine = Path(shutil.copytree(store, tmp_path / "store")), tmp_path / "mine"
    mine.write_text("mine")
    for name in ("edge.tmp", "edge.json.tmp", ".edge.json.tmp"):
        (copy / name).symlink_to(mine)
    (tmp_path / "out.jsonl").write_text("old")
    for command in (
        ("collections", "list"),
        ("collections", "export", "papers", "--out", tmp_path / "out.jsonl"),
        ("collections", "rename", "papers", "other"),
        ("collections", "optimize", "other"),
    ):
        assert specter2(*command, "--store", copy).code == 0
    assert mine.read_text() == "mine"
