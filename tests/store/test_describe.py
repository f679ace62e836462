"""What a collection says that it has is what was put into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.edge import EdgeClient
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.printable import from_json, to_json
from specter2_plugins.qdrant import CollectionSpec, open_client
from specter2_plugins.store import history
from specter2_plugins.store.describe import describe
from tests.qdrant.server import Server


def test_a_collection_is_described(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    spec = CollectionSpec(tasks=("document", "classification"), sparse=("bm25",))
    ingest_papers(papers[:2], client, mini, spec, source="first")
    before = datetime.now(timezone.utc).replace(microsecond=0)
    ingest_papers(papers[1:], client, mini, spec, source="second")
    point = models.PointStruct(id=1, vector={"proximity": [1.0] * 384}, payload={"of": "others"})
    client.upsert("papers", [point], wait=True)
    found = from_json(to_json(describe(client, "papers")))
    assert (found["name"], found["papers"], found["unfinished"]) == ("papers", 6, [])
    assert {name: vector["papers"] for name, vector in found["vectors"].items()} == {
        "proximity": 6,
        "classification": 5,
        "bm25": 5,
    }
    assert found["vectors"]["proximity"]["made_with"] == mini.fingerprint("proximity").to_dict()
    assert found["vectors"]["proximity"]["model"] == mini.fingerprint("proximity").base
    assert found["vectors"]["proximity"]["distance"] == "euclid"
    assert (found["vectors"]["bm25"]["kind"], found["vectors"]["bm25"]["model"]) == ("sparse", "bm25")
    assert [(source["name"], source["papers"]) for source in found["sources"]] == [
        ("second", 4),
        ("first", 2),
        (None, 1),
    ]
    second, first, nobody = (source["last_ingested"] for source in found["sources"])
    assert first <= second
    assert before <= datetime.fromisoformat(second) <= datetime.now(timezone.utc)
    assert nobody is None
    assert found["indexes"]["metadata.year"]["kind"] == "integer"
    assert found["indexes"]["metadata.published"]["kind"] == "datetime"
    assert {"title", "year"} <= set(found["fields"])
    assert found["quantization"] is None
    if isinstance(client, EdgeClient):
        assert (found["shards"], found["replicas"]) == (1, 1)
        assert found["bytes_on_disk"] > 6 * 384 * 4
    with pytest.raises(StoreError, match="there is no collection 'paper'; the store holds: papers"):
        describe(client, "paper")


def test_the_latest_of_many_sources_are_kept(
    client: QdrantClient, mini: Specter2, papers: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_MOST", 2)
    ingest_papers(papers[:1], client, mini)
    for name in ("a", "b", "c"):
        history.note_sources(client, "papers", [name])
    assert len(history.last_ingested(client.get_collection("papers"))) == 2


def test_quantization_is_named(client: QdrantClient, mini: Specter2, papers: list[Paper]) -> None:
    ingest_papers(papers[:1], client, mini, replace(CollectionSpec(), quantization="binary"))
    found = describe(client, "papers")
    assert found["quantization"] == found["vectors"]["proximity"]["quantization"] == "binary"
    assert found["vectors"]["proximity"]["datatype"] == "float32"


def test_sources_are_counted_where_a_server_has_no_facets_without_an_index(
    server: Server, mini: Specter2, papers: list[Paper]
) -> None:
    with open_client(**server.address) as client:
        ingest_papers(papers[:3], client, mini, source="first")
        server.faults.add("POST .*/facet", 400)
        found = describe(client, "papers")
    assert [(source["name"], source["papers"]) for source in found["sources"]] == [("first", 3)]
