"""Ids that no paper has: one line, or no paper; nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qdrant_client")

from qdrant_client import models

from specter2_plugins import PaperCollection, Specter2
from specter2_plugins.edge import EdgeClient
from specter2_plugins.errors import PaperError, Specter2Error, StoreError
from specter2_plugins.qdrant.hits import to_hits

NO_IDS = {
    "surrogate": "10.1/\ud800",
    "escaped": "\x1b]0;a\x07\udfff",
    "integer": 5,
    "large": 2**70,
    "negative": -1,
    "float": 5.0,
    "nan": float("nan"),
    "none": None,
    "bytes": b"a",
    "list": ["a"],
    "dict": {},
}
UNKNOWN = {
    "empty": "",
    "blank": " \n",
    "long": "a" * 10_000_000,
    "uuid": "00000000-0000-0000-0000-000000000000",
    "number": "9" * 5000,
    "path": "../../../etc/passwd",
    "nul": "a\x00b",
}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory, mini: Specter2) -> Iterator[PaperCollection]:
    with PaperCollection.open(tmp_path_factory.mktemp("store"), model=mini) as opened:
        opened.ingest([{"id": "a", "title": "Owls"}, {"id": "b", "title": "Bees"}])
        yield opened
        assert len(opened) == 2


def assert_one_line(error: BaseException) -> None:
    assert isinstance(error, Specter2Error)
    assert "\n" not in str(error)
    assert len(str(error)) <= 1100


@pytest.mark.parametrize("call", ["get", "similar", "unlike", "delete"])
@pytest.mark.parametrize("name", NO_IDS)
def test_what_is_no_id(papers: PaperCollection, name: str, call: str) -> None:
    id: Any = NO_IDS[name]
    calls = {
        "get": lambda: papers.get(id),
        "similar": lambda: papers.similar([id]),
        "unlike": lambda: papers.similar("a", negative=[id]),
        "delete": lambda: papers.delete([id]),
    }
    with pytest.raises(PaperError) as refused:
        calls[call]()
    assert_one_line(refused.value)


@pytest.mark.parametrize("name", UNKNOWN)
def test_ids_that_are_unknown(papers: PaperCollection, name: str) -> None:
    assert papers.get(UNKNOWN[name]) is None
    assert papers.delete([UNKNOWN[name]]) == 0
    with pytest.raises(StoreError, match="holds no paper with the id") as refused:
        papers.similar(UNKNOWN[name])
    assert_one_line(refused.value)


@pytest.mark.parametrize(
    "payload", [{}, {"metadata": 5}, {"page_content": ["a"]}, {"page_content": "", "metadata": []}]
)
def test_points_of_somebody_else_are_named(tmp_path: Path, payload: dict[str, Any]) -> None:
    with EdgeClient(tmp_path / "store") as client:
        client.create_collection("c", {"a": models.VectorParams(size=2, distance=models.Distance.EUCLID)})
        client.upsert("c", [models.PointStruct(id=7, vector={"a": [1, 2]}, payload=payload)])
        found = client.query_points("c", query=[1.0, 2.0], using="a")
    with pytest.raises(PaperError, match="the point 7 is no paper: ") as refused:
        to_hits(found)
    assert_one_line(refused.value)
