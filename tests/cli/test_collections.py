"""`specter2 collections`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from specter2_plugins.edge import EdgeClient
from tests.cli.conftest import Command
from tests.conftest import Oracle


@pytest.fixture
def store(specter2: Command, oracle: Oracle, tmp_path: Path) -> Path:
    library = tmp_path / "library.jsonl"
    library.write_text("".join(f'{{"id": "{n}", "title": "Paper {n}", "year": {2000 + n}}}\n' for n in range(5)))
    done = specter2("ingest", library, "--store", tmp_path / "store", "--model", oracle.models)
    assert done.code == 0
    return tmp_path / "store"


def test_a_life(specter2: Command, store: Path, tmp_path: Path) -> None:
    def run(*args: object) -> str:
        done = specter2("collections", *args, "--store", store)
        assert done.code == 0, done.err
        return done.out

    assert json.loads(run("list", "--json")) == [{"name": "papers", "papers": 5, "vectors": ["proximity"]}]
    assert run("list").split() == ["collection", "papers", "vectors", "papers", "5", "proximity"]
    assert json.loads(run("delete", "papers", "--filter", "year < 2002", "--yes", "--json")) == {
        "collection": "papers",
        "deleted": 2,
    }
    assert run("rename", "papers", "articles") == "papers is articles now: 3 papers\n"
    run("optimize", "articles")
    run("export", "articles", "--out", tmp_path / "out.jsonl")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 3
    run("backup", "articles", "--out", tmp_path / "articles.backup")
    assert run("restore", tmp_path / "articles.backup", "--as", "again").startswith("again: 3 papers")
    assert run("delete", "articles", "--yes") == "deleted 3 papers of articles\n"
    assert [found["name"] for found in json.loads(run("list", "--json"))] == ["again"]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("delete", "papers"), 1, "nothing was deleted; --yes deletes papers with its 5 papers"),
        (("delete", "papers", "--filter", "year = 2001"), 1, "--yes deletes the 1 papers of papers"),
        (("delete", "nobody", "--yes"), 1, "there is no collection 'nobody'; the store holds: papers"),
        (("info", "nobody"), 1, "there is no collection 'nobody'; the store holds: papers"),
        (("rename", "papers", ""), 2, "'' cannot name a collection"),
        (("restore", "none.backup"), 1, "there is no file none.backup"),
        (("export", "papers", "--out", "x.csv"), 1, "ends in neither"),
    ],
)
def test_what_is_refused(specter2: Command, store: Path, args: tuple[str, ...], code: int, said: str) -> None:
    failed = specter2("collections", *args, "--store", store)
    assert failed.code == code
    assert said in " ".join(failed.err.replace("│", " ").split())
    assert json.loads(specter2("collections", "list", "--store", store, "--json").out)[0]["papers"] == 5


def test_info(specter2: Command, store: Path) -> None:
    done = specter2("collections", "info", "papers", "--store", store, "--json")
    found = json.loads(done.out)
    assert (found["papers"], [source["papers"] for source in found["sources"]]) == (5, [5])
    vector = found["vectors"]["proximity"]
    assert (vector["kind"], vector["papers"], vector["distance"]) == ("dense", 5, "euclid")
    assert (vector["datatype"], vector["quantization"]) == ("float32", None)
    assert found["bytes_on_disk"] > 5 * vector["dimensions"] * 4
    shown = specter2("collections", "info", "papers", "--store", store)
    assert shown.code == 0
    for said in (
        "papers: 5 papers, green",
        "on disk",
        "proximity",
        "euclid",
        "library.jsonl",
        "metadata.year",
        "title",
    ):
        assert said in shown.out
    assert specter2("collections", "info", "nobody", "--store", store).code == 1


def test_a_store_that_another_process_writes_is_read_and_that_is_said(
    specter2: Command, store: Path, tmp_path: Path
) -> None:
    with EdgeClient(store):
        shown = specter2("collections", "info", "papers", "--store", store)
        assert shown.code == 0
        assert f"is written meanwhile by process {os.getpid()} (" in shown.err
        out = tmp_path / "out.jsonl"
        assert specter2("collections", "export", "papers", "--store", store, "--out", out).code == 0
        refused = specter2("collections", "delete", "papers", "--store", store, "--yes")
        assert refused.code == 1
        assert f"is open already in process {os.getpid()}" in refused.err
    assert specter2("collections", "info", "papers", "--store", store).err == ""
