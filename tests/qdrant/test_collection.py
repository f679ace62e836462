"""`PaperCollection`: the one object, on every kind of store."""

from __future__ import annotations

import asyncio
import inspect
import threading
from pathlib import Path
from typing import Any

import pandas
import pytest
from langchain_core.documents import Document
from qdrant_client import QdrantClient

from specter2_plugins import FilterError, Paper, PaperCollection, PaperError, Specter2, StoreError, fingerprint
from specter2_plugins.papers.payloads import to_payload
from specter2_plugins.qdrant import CollectionSpec, ingest_papers, open_client, search_papers, similar_papers
from specter2_plugins.qdrant.collection import is_url
from specter2_plugins.sentence_transformers import load
from tests.conftest import Oracle

RECORD = {"id": "rank", "title": "Neural ranking", "abstract": "Deep networks.", "year": 2019, "venue": "SIGIR"}


@pytest.fixture
def collection(client: QdrantClient, model: Specter2, papers: list[Paper]) -> PaperCollection:
    collection = PaperCollection(client, model)
    collection.ingest(papers, sparse="bm25")
    return collection


def test_fill_search_and_look_after(collection: PaperCollection, papers: list[Paper]) -> None:
    assert len(collection) == 5
    assert {paper.id for paper in collection} == {paper.id for paper in papers}
    assert collection.get("rank") == papers[0]
    assert collection.get("nobody") is None
    assert ("rank" in collection, "nobody" in collection, 5 in collection) == (True, False, False)
    (hit,) = collection.search("order documents", 1, filter="year = 2009", hybrid=True)
    assert hit.paper == papers[1]
    assert collection.get(hit.point_id) == papers[1]
    first, second = collection.search(["soil moisture", "bumble bees"], 1, mode="sparse")
    assert (first[0].paper.id, second[0].paper.id) == ("soil", "bees")
    assert {hit.paper.id for hit in collection.similar("rank", 4)} == {"ltr", "soil", "bees", "traps"}
    assert collection.count("year >= 2000") == 1
    assert collection.delete(filter="year >= 2000") == 1
    assert collection.delete(["soil", "nobody"]) == 1
    assert len(collection) == 3


def test_functions_for_a_client_of_ones_own(tmp_path: Path, model: Specter2, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    digest = fingerprint.digest
    monkeypatch.setattr(fingerprint, "digest", lambda weights: hashed.append(1) or digest(weights))
    client = open_client(store=tmp_path / "store")  # without `with`, as in a notebook's cell
    assert ingest_papers([RECORD, {"title": "Soil", "year": 2001}], client, model, collection="mine").ingested == 2
    (hit,) = search_papers(client, model, "ranking", "mine", filter="year >= 2015")
    seen = len(hashed)
    assert len(search_papers(client, model, "networks", "mine")) == 2
    assert len(hashed) == seen, "the weights were hashed for the first search"
    assert [near.paper.title for near in similar_papers(client, model, hit.paper.id, "mine")] == ["Soil"]
    client.close()


def test_what_is_there_need_not_be_said_again(collection: PaperCollection, model: Specter2) -> None:
    again = PaperCollection(collection.client, model)
    report = again.ingest([RECORD | {"id": "new"}])
    assert report.ingested == 1
    (hit,) = again.search("neural ranking networks", 1, mode="sparse", filter="id = new")
    assert hit.paper.metadata == {"year": 2019, "venue": "SIGIR"}


def test_a_new_collection_as_its_spec_says(client: QdrantClient, model: Specter2) -> None:
    spec = CollectionSpec(name="elsewhere", distance="cosine", tasks=("classification",))
    collection = PaperCollection(client, model, "mine")
    assert (len(collection), list(collection), bool(collection)) == (0, [], True)
    collection.ingest([RECORD], spec=spec)
    assert [found.name for found in client.get_collections().collections] == ["mine"]
    assert collection.ingest([RECORD | {"id": "two", "title": "Other"}]).ingested == 1
    assert len(collection.search("networks")) == 2


SAME = Paper("Neural ranking", "Deep networks.", "rank", {"year": 2019, "venue": "SIGIR"})


@pytest.mark.parametrize(
    "given",
    [
        RECORD,
        [RECORD],
        SAME,
        iter([SAME]),
        (record for record in (RECORD, SAME)),
        pandas.DataFrame([RECORD]),
        pandas.DataFrame([RECORD, {"title": "Soil"}]).iloc[0],
        [row for _, row in pandas.DataFrame([RECORD]).iterrows()],
        Document(page_content=to_payload(SAME)["page_content"], metadata=to_payload(SAME)["metadata"]),
        [Document(page_content="Neural ranking\n\nDeep networks.", metadata={"id": "rank", **SAME.metadata})],
    ],
    ids=lambda given: type(given).__name__,
)
def test_one_way_in(given: Any, model: Specter2) -> None:
    with PaperCollection.open(":memory:", model) as collection:
        assert collection.ingest(given).ingested == 1
        assert list(collection) == [SAME]


def test_files(model: Specter2, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.jsonl").write_text(f'{{"id": "{number}", "title": "Paper {number}"}}\n')
    with PaperCollection.open(":memory:", model) as collection:
        assert collection.ingest(str(tmp_path / "*.jsonl")).ingested == 2
        assert collection.ingest([tmp_path / "0.jsonl", str(tmp_path / "1.jsonl")]).unchanged == 2
        assert collection.ingest(tmp_path / "1.jsonl", fields={"title": "title"}).unchanged == 1
        with pytest.raises(PaperError, match="these papers are in memory"):
            collection.ingest([RECORD], format="jsonl")
        with pytest.raises(PaperError, match="expected files or papers, got int"):
            collection.ingest(5)
        with pytest.raises(PaperError, match=r"none\.bib"):
            collection.ingest("none.bib")


def test_a_blank_document_is_rejected_by_its_number(model: Specter2) -> None:
    rejected: list[Any] = []
    documents = [Document(page_content="Soil"), Document(page_content=" ", metadata={"id": "x"})]
    with PaperCollection.open(":memory:", model) as collection:
        report = collection.ingest(documents, on_reject=rejected.append)
    assert (report.ingested, report.rejected) == (1, 1)
    assert str(rejected[0]).startswith("documents:2 (x): ")


def test_the_model_is_loaded_when_it_is_needed(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, papers: list[Paper]
) -> None:
    loaded: list[str] = []
    real = load.load_specter2
    monkeypatch.setattr(load, "load_specter2", lambda name: loaded.append(name) or real(name))
    with PaperCollection.open(tmp_path / "store", str(oracle.models)) as collection:
        collection.ingest(papers)
        assert loaded == [str(oracle.models)]
    with PaperCollection.open(tmp_path / "store", str(oracle.models)) as collection:
        assert len(collection.similar("rank")) == 4
        assert collection.get("rank") == papers[0]
        assert len(loaded) == 1
        collection.search("rank")
        collection.similar(Paper("Ranking"))
        assert len(loaded) == 2
    with PaperCollection.open(tmp_path / "store", None) as collection:
        assert len(collection.similar(["rank", "soil"], negative="bees")) == 2
        with pytest.raises(StoreError, match="opened without a model"):
            collection.search("rank")


def test_without_a_with(oracle: Oracle, tmp_path: Path, model: Specter2) -> None:
    collection = PaperCollection.open(str(tmp_path / "store"), model)
    collection.ingest([RECORD])
    collection.close()
    collection.close()
    again = PaperCollection.open(tmp_path / "store", model)
    assert len(again) == 1
    given = PaperCollection.open(again.client, model)
    given.close()
    assert len(again) == 1
    again.close()


def test_what_is_refused(collection: PaperCollection) -> None:
    for bad in ({}, {"papers": "rank", "filter": "year = 1"}):
        with pytest.raises(StoreError, match="nothing was deleted"):
            collection.delete(**bad)
    with pytest.raises(FilterError):
        collection.delete(filter="year >")
    with pytest.raises(StoreError, match="contradicts"):
        collection.search("x", hybrid=True, mode="dense")
    with pytest.raises(StoreError, match="spec takes a CollectionSpec, not 'papers'"):
        collection.ingest([{"title": "A title"}], spec="papers")  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="api_key: for a folder or a URL"):
        PaperCollection.open(collection.client, api_key="k")
    assert len(collection) == 5


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("http://localhost:6333", True),
        ("localhost:6333", True),
        ("10.0.0.1:6333/", True),
        ("papers.qdrant", False),
        ("/tmp/papers", False),
        ("C:\\papers", False),
        ("papers:old", False),
        (Path("http://x"), False),
    ],
)
def test_folders_and_servers(store: str | Path, expected: bool) -> None:
    assert is_url(store) is expected


def test_a_folder_called_like_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("store:1").mkdir()
    assert not is_url("store:1")


def test_threads_search_while_another_ingests(client: QdrantClient, model: Specter2) -> None:
    collection = PaperCollection(client, model)
    collection.ingest([RECORD])
    done = threading.Event()
    failed: list[BaseException] = []
    searches = 0

    def search() -> None:
        nonlocal searches
        try:
            while not done.is_set() or not searches:
                assert collection.search("neural ranking", 1)
                assert collection.similar("rank", 1) is not None
                searches += 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        report = collection.ingest({"id": str(number), "title": f"Graph {number}"} for number in range(600))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert report.ingested == 600
    assert searches


async def test_async_twins_leave_the_loop_free(model: Specter2) -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Slow(QdrantClient):
        def query_batch_points(self, *args: Any, **kwargs: Any) -> Any:
            entered.set()
            assert go_on.wait(30)
            return super().query_batch_points(*args, **kwargs)

    async with PaperCollection.open(Slow(":memory:", force_disable_check_same_thread=True), model) as collection:
        assert (await collection.aingest([RECORD])).ingested == 1
        asked = asyncio.ensure_future(collection.asearch("neural"))
        while not entered.is_set():
            await asyncio.sleep(0.01)
        assert not asked.done()  # and this line runs
        go_on.set()
        assert [hit.paper.id for hit in await asked] == ["rank"]
        assert await collection.aget("rank") == SAME
        assert await collection.acount() == 1
        assert await collection.adelete("rank") == 1
        assert await collection.asimilar(Paper("Ranking")) == []


def test_every_waiting_method_has_a_twin() -> None:
    waiting = {"ingest", "search", "similar", "get", "count", "delete", "close"}
    for name in waiting:
        twin = getattr(PaperCollection, f"a{name}")
        assert inspect.iscoroutinefunction(twin)
        assert inspect.signature(twin) == inspect.signature(getattr(PaperCollection, name))
        assert twin.__name__ == f"a{name}"
