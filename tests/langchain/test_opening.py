"""Stores that are opened by name, filled by `specter2 ingest` or by LangChain."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_qdrant import QdrantVectorStore
from pydantic import SecretStr
from qdrant_client import models

from specter2_plugins import Paper, Specter2, StoreError
from specter2_plugins.langchain import (
    PaperVectorStore,
    Specter2Embeddings,
    documents_to_papers,
    open_vector_store,
    papers_to_documents,
)
from specter2_plugins.pipeline import ingest_papers
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.search import search_papers
from tests.langchain.conftest import QUERIES, keys
from tests.qdrant.server import Local, Server


def test_sparse_search_loads_no_model(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter2_plugins.langchain.embeddings.load_specter2", None)
    with open_vector_store("papers", store=filled, mode="sparse") as store:
        assert keys(store.similarity_search("bumble bees")) == ["bees"]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, embeddings: Specter2Embeddings) -> None:
    with pytest.raises(StoreError, match=r"there is no store .*typo"):
        open_vector_store("papers", embeddings, store=tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_a_store_that_is_refused_is_closed_again(filled: Path, embeddings: Specter2Embeddings) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match="no collection 'typo'"):
            open_vector_store("typo", embeddings, store=filled)


def test_it_is_a_store_as_it_is_returned(filled: Path, embeddings: Specter2Embeddings) -> None:
    store = open_vector_store("papers", embeddings, store=filled)
    assert isinstance(store, QdrantVectorStore)
    assert keys(store.as_retriever(search_kwargs={"k": 1}).invoke("bumble bees")) == ["bees"]
    with pytest.raises(StoreError, match=r"is open already in process \d+ \(.*\); close it there"):
        open_vector_store("papers", embeddings, store=filled)
    store.close()
    store.close()
    retriever = open_vector_store("papers", embeddings, store=filled).as_retriever()
    assert retriever.invoke("soil")
    del retriever
    open_vector_store("papers", embeddings, store=filled).close()


@pytest.mark.slow
def test_one_that_nobody_closed_ends_with_python(filled: Path) -> None:
    code = (
        "import sys; from specter2_plugins.langchain import open_vector_store; "
        "papers = open_vector_store(store=sys.argv[1], mode='sparse'); print(len(papers.similarity_search('bees')))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(filled)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "Exception" not in done.stderr


def test_the_store_is_closed(filled: Path, embeddings: Specter2Embeddings) -> None:
    for _ in range(2):
        with open_vector_store("papers", embeddings, store=filled) as store:
            assert store.similarity_search("soil", k=1)
    with pytest.raises(RuntimeError):
        store.similarity_search("soil", k=1)


def test_search_reads_what_langchain_wrote(mini: Specter2, embeddings: Specter2Embeddings, papers: list[Paper]) -> None:
    theirs = QdrantVectorStore.from_documents(
        papers_to_documents(papers), embedding=embeddings, location=":memory:", collection_name="theirs"
    )
    for query in QUERIES:
        hits = search_papers(theirs.client, mini, query, collection="theirs", limit=4)
        assert [hit.paper for hit in hits] == documents_to_papers(theirs.similarity_search(query))
    ours = PaperVectorStore.from_collection(theirs.client, "theirs", embeddings)
    assert ours.distance is models.Distance.COSINE
    nearest = keys(theirs.similarity_search("insects"))
    assert keys(ours.similarity_search("insects")) == nearest
    assert keys(ours.max_marginal_relevance_search("insects", lambda_mult=1)) == nearest


@pytest.mark.parametrize("where", ["path", "url"])
def test_the_command_reads_what_langchain_wrote(
    where: str,
    tmp_path: Path,
    embeddings: Specter2Embeddings,
    papers: list[Paper],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("typer")
    from specter2_plugins.cli import main

    with Server(Local()) as server:
        place = {"path": str(tmp_path / "theirs")} if where == "path" else {"url": server.url}
        theirs = QdrantVectorStore.from_documents(
            papers_to_documents(papers), embedding=embeddings, collection_name="papers", **place
        )
        expected = keys(theirs.similarity_search("insects", k=3))
        theirs.client.close()
        command = ["specter2", "search", "insects", "-n", "3", "--json", "--model", "mini"]
        command += ["--store", place["path"]] if where == "path" else ["--url", server.url]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    assert [hit["id"] for hit in json.loads(capsys.readouterr().out)] == expected


def test_from_documents_of_ours_has_the_same_meaning_of_relevance(
    embeddings: Specter2Embeddings, papers: list[Paper]
) -> None:
    store = PaperVectorStore.from_documents(
        papers_to_documents(papers), embedding=embeddings, location=":memory:", distance=models.Distance.EUCLID
    )
    assert isinstance(store, PaperVectorStore)
    ((document, relevance),) = store.similarity_search_with_relevance_scores("bumble bees", k=1)
    ((_, distance),) = store.similarity_search_with_score("bumble bees", k=1)
    assert document.metadata["id"] == "bees"
    assert relevance == 1 / (1 + distance)


def test_a_key_is_a_text_a_secret_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("right\n")
    with Server(Local(), api_key="right") as server:
        for given in ({"api_key": "right"}, {"api_key": SecretStr("right")}, {"api_key_file": file}):
            with pytest.raises(StoreError, match="there is no collection"):
                open_vector_store(url=server.url, mode="sparse", **given)  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="refuses the API key") as refused:
            open_vector_store(url=server.url, mode="sparse", api_key=SecretStr("wrong-key"))
    assert "wrong-key" not in str(refused.value)


def test_a_server_is_opened_by_grpc_too(mini: Specter2, embeddings: Specter2Embeddings) -> None:
    with Server(grpc=True) as server, open_client(**server.address) as client:
        ingest_papers([Paper("Hox genes colour bumble bees", id="bees")], client, mini)
        with open_vector_store("papers", embeddings, timeout=30, **server.address) as store:
            assert keys(store.similarity_search("bumble bees")) == ["bees"]
            assert store.client._client._prefer_grpc
            assert store.client._client._timeout == 30


def test_a_store_that_another_client_writes_is_read(
    tmp_path: Path, mini: Specter2, embeddings: Specter2Embeddings
) -> None:
    with open_client(tmp_path / "store") as client:
        ingest_papers([Paper("Hox genes colour bumble bees", id="bees")], client, mini)
        with pytest.raises(StoreError, match="is open already in process"):
            open_vector_store("papers", embeddings, store=tmp_path / "store")
        with open_vector_store("papers", embeddings, store=tmp_path / "store", read_only=True) as store:
            assert keys(store.similarity_search("bumble bees")) == ["bees"]
            assert [document.metadata["id"] for document in asyncio.run(store.asimilarity_search("bees"))] == ["bees"]
