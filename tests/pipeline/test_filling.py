"""A collection grows: vectors are added to it, and its papers are given them from what is stored."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.papers.points import id_of
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.pipeline.ingestion import filling
from specter2_plugins.qdrant import CollectionSpec, open_client
from specter2_plugins.qdrant.search import search_papers
from specter2_plugins.sparse import load_sparse
from specter2_plugins.store.added_vectors import FILLING_KEY
from tests.qdrant.server import Server

GROWN = CollectionSpec(tasks=("document", "classification"), sparse=("bm25",))


def vectors_of(client: QdrantClient, paper: str) -> Any:
    (record,) = client.retrieve("papers", [id_of(paper)], with_vectors=True)
    return record.vector


def test_added_vectors_are_those_that_ingestion_gives(tmp_path: Path, mini: Specter2, papers: list[Paper]) -> None:
    with open_client(tmp_path / "grown") as grown, open_client(tmp_path / "whole") as whole:
        ingest_papers(papers, grown, mini)
        ingest_papers(papers, whole, mini, GROWN)
        before = grown.get_collection("papers")
        assert ingest_papers([], grown, mini, GROWN, dry_run=True).filled == 0
        assert grown.get_collection("papers").config == before.config
        report = ingest_papers([], grown, mini, GROWN)  # no source is read
        assert (report.filled, report.read) == (len(papers), 0)
        for paper in papers:
            ours, theirs = vectors_of(grown, str(paper.id)), vectors_of(whole, str(paper.id))
            assert ours.keys() == theirs.keys() == {"proximity", "classification", "bm25"}
            assert np.allclose(ours["classification"], theirs["classification"], atol=1e-5)
            assert ours["bm25"] == theirs["bm25"]
        assert grown.get_collection("papers").config.metadata == whole.get_collection("papers").config.metadata
        for mode in ("sparse", "hybrid"):
            found, expected = (search_papers(client, mini, "learning to rank", mode=mode) for client in (grown, whole))
            assert [hit.paper.id for hit in found] == [hit.paper.id for hit in expected]
        assert ingest_papers(papers, grown, mini, GROWN).filled == 0
        with pytest.raises(StoreError, match=r"holds \w+ and \w+ vectors, not proximity; name another collection"):
            ingest_papers(papers, grown, mini)


def test_a_run_that_was_cut_off_goes_on(
    tmp_path: Path,
    mini: Specter2,
    papers: list[Paper],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(filling, "_PAGE", 2)
    with open_client(tmp_path / "store") as client:
        ingest_papers(papers, client, mini)
        client.upsert("papers", [models.PointStruct(id=7, vector={"proximity": [0.0] * 384}, payload={"of": "others"})])
        written = client.update_vectors

        def cut_off(*args: Any, **kwargs: Any) -> Any:
            written(*args, **kwargs)
            raise KeyboardInterrupt

        monkeypatch.setattr(client, "update_vectors", cut_off)
        with pytest.raises(KeyboardInterrupt):
            ingest_papers([], client, mini, CollectionSpec(sparse=("bm25",)))
        monkeypatch.setattr(client, "update_vectors", written)
        assert client.get_collection("papers").config.metadata[FILLING_KEY] == ["bm25"]
        search_papers(client, None, "ranking", mode="sparse")
        assert "papers of the collection 'papers' have no vector 'bm25' yet" in caplog.text
        caplog.clear()
        report = ingest_papers([], client, mini, CollectionSpec(sparse=("bm25",)))
        assert 0 < report.filled < len(papers)
        assert "1 points hold no text and stay without" in caplog.text
        caplog.clear()
        assert len(search_papers(client, None, "ranking", mode="sparse")) == 2
        assert FILLING_KEY not in client.get_collection("papers").config.metadata
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_texts_of_others_are_embedded_as_they_are(tmp_path: Path, mini: Specter2) -> None:
    text = "Plain text that LangChain stored."
    with open_client(tmp_path / "store") as client:
        ingest_papers([Paper("A title", id="1")], client, mini)
        (vector,) = mini.encode_document([text])
        point = models.PointStruct(id=1, vector={"proximity": vector.tolist()}, payload={"page_content": text})
        client.upsert("papers", [point])
        ingest_papers([], client, mini, CollectionSpec(sparse=("bm25",)))
        (expected,) = load_sparse("bm25").encode_document([text])
        assert client.retrieve("papers", [1], with_vectors=["bm25"])[0].vector["bm25"].indices == expected.indices


@pytest.mark.parametrize("grpc", [False, True])
def test_a_server_that_cannot_add_vectors_says_so(mini: Specter2, papers: list[Paper], grpc: bool) -> None:
    with Server(grpc=grpc) as server, open_client(**server.address) as client:
        ingest_papers(papers, client, mini)
        before = client.get_collection("papers").config.metadata
        with pytest.raises(StoreError, match=r"cannot add vectors .* \(bm25\): a server can since Qdrant 1.18"):
            ingest_papers(papers, client, mini, CollectionSpec(sparse=("bm25",)))
        assert client.get_collection("papers").config.metadata == before


def test_settings_that_are_asked_for_later_are_applied_or_refused(
    tmp_path: Path, mini: Specter2, papers: list[Paper], caplog: pytest.LogCaptureFixture
) -> None:
    with open_client(tmp_path / "store") as client:
        ingest_papers(papers, client, mini)
        ingest_papers(papers, client, mini, CollectionSpec(quantization="scalar", on_disk=True))
        config = client.get_collection("papers").config
        assert isinstance(config.quantization_config, models.ScalarQuantization)
        assert config.params.on_disk_payload
        assert config.params.vectors["proximity"].on_disk
        assert "follows settings that it was made without" in caplog.text
        caplog.clear()
        ingest_papers(papers, client, mini, CollectionSpec(quantization="scalar", on_disk=True))
        assert "follows" not in caplog.text
        for settings, what in (({"shards": 6}, "1 shards, not 6"), ({"replicas": 2}, "1 copies of each shard, not 2")):
            with pytest.raises(StoreError, match=f"has {what}; that is set when a collection is made"):
                ingest_papers(papers, client, mini, CollectionSpec(**settings))
        ingest_papers(papers, client, mini, CollectionSpec(indexes={"year": "keyword"}))
        assert "keeps its index of year as integer" in caplog.text
        assert len(search_papers(client, mini, "ranking")) == len(papers)


def test_a_preset_for_a_cluster_on_one_node_says_what_it_does(
    mini: Specter2, papers: list[Paper], caplog: pytest.LogCaptureFixture
) -> None:
    with Server() as server, open_client(**server.address) as client:
        ingest_papers(papers, client, mini, CollectionSpec.preset("cluster"))
    assert "this store has 1 node: 6 shards lie on it, and of 2 copies of each 1 is kept" in caplog.text
