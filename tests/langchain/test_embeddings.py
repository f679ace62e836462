"""What LangChain's standard suite of embeddings cannot see."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from langchain_core.load import dumps, loads

from specter2_plugins import CheckpointError, Paper, PaperError, Specter2, TaskError, load_specter2
from specter2_plugins.checkpoints.resolve import resolve
from specter2_plugins.langchain import Specter2Embeddings

if TYPE_CHECKING:
    from tests.conftest import Oracle


def test_queries_and_documents_take_their_adapters(embeddings: Specter2Embeddings, mini: Specter2) -> None:
    np.testing.assert_allclose(embeddings.embed_query("graphs"), mini.encode_query("graphs"), atol=1e-6)
    np.testing.assert_allclose(
        embeddings.embed_documents(["graphs"])[0], mini.encode("graphs", task="proximity"), atol=1e-6
    )


@pytest.mark.parametrize("task", ["proximity", "adhoc_query", "classification", "regression", "base"])
def test_every_task(task: str, model: Specter2) -> None:
    embeddings = Specter2Embeddings(specter2=model, document_task=task, query_task=task)
    expected = model.encode("graphs", task=task)
    np.testing.assert_allclose(embeddings.embed_query("graphs"), expected, atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_documents(["graphs"])[0], expected, atol=1e-6)


def test_a_task_that_the_model_lacks_is_named() -> None:
    lacking = load_specter2("mini", adapters={"proximity": resolve("mini").adapters["proximity"]}, device="cpu")
    with pytest.raises(TaskError, match="'regression' needs an adapter"):
        Specter2Embeddings(specter2=lacking, query_task="regression").embed_query("graphs")


def test_blank_line_parts_title_and_abstract(embeddings: Specter2Embeddings, mini: Specter2) -> None:
    texts = ["Title\n\nAbstract\n\nin two parts", "Title alone\n\n", "\n\nabstract alone", "plain text"]
    papers = [
        Paper("Title", "Abstract\n\nin two parts"),
        Paper("Title alone"),
        Paper(None, "abstract alone"),
        "plain text",
    ]
    np.testing.assert_allclose(embeddings.embed_documents(texts), mini.encode_document(papers), atol=1e-6)


def test_no_documents_give_no_vectors(embeddings: Specter2Embeddings) -> None:
    assert embeddings.embed_documents([]) == []


def test_blank_text_is_named(embeddings: Specter2Embeddings) -> None:
    with pytest.raises(PaperError, match="input 1: text '  ' is blank"):
        embeddings.embed_documents(["fine", "  "])


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="modle"):
        Specter2Embeddings(model="mini", modle="x")


def test_a_model_that_is_not_there_is_one_line() -> None:
    with pytest.raises(CheckpointError) as refused:
        Specter2Embeddings(model="no/such/folder", local_files_only=True)
    assert "no/such/folder" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_settings_survive_langchain_and_json_and_make_the_same_vectors(oracle: Oracle) -> None:
    embeddings = Specter2Embeddings(
        model=oracle.models,
        adapters={"proximity": oracle.models / "adapters" / "classification"},
        document_task="proximity",
        device="cpu",
        dtype="bfloat16",
        batch_size=4,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangChain calls its own loads a beta
        revived = loads(dumps(embeddings), allowed_objects=[Specter2Embeddings], valid_namespaces=["specter2_plugins"])
    assert "specter2" not in json.loads(embeddings.model_dump_json())
    for again in (revived, Specter2Embeddings.model_validate_json(embeddings.model_dump_json())):
        assert again.specter2 is not embeddings.specter2
        assert again.model_dump() == embeddings.model_dump()
        assert str(again.specter2.dtype) == "torch.bfloat16"
        assert again.embed_documents(["a", "b"]) == embeddings.embed_documents(["a", "b"])
    assert Specter2Embeddings.model_json_schema()["properties"]["model"]["type"] == "string"


def test_settings_that_do_not_tell_the_model_are_not_written_down(mini: Specter2) -> None:
    embeddings = Specter2Embeddings(specter2=mini)
    with pytest.raises(ValueError, match="do not say which model was passed to Specter2Embeddings; pass model="):
        embeddings.model_dump_json()
    assert json.loads(dumps(embeddings))["type"] == "not_implemented"
    named = Specter2Embeddings(model="mini", specter2=mini)
    assert named.specter2 is mini
    assert Specter2Embeddings.model_validate_json(named.model_dump_json()).embed_query("a") == named.embed_query("a")


def test_the_progress_bar_is_asked_for(mini: Specter2, capsys: pytest.CaptureFixture[str]) -> None:
    Specter2Embeddings(specter2=mini).embed_documents(["a"] * 40)
    assert capsys.readouterr().err == ""
    Specter2Embeddings(specter2=mini, show_progress=True, batch_size=8).embed_documents(["a"] * 40)
    assert "5/5" in capsys.readouterr().err


def test_one_query_has_one_vector(embeddings: Specter2Embeddings) -> None:
    """Equal to the last bit, so a cache holds what would have been computed."""
    query = "graph neural networks for molecules"
    expected = embeddings.embed_query(query)
    with ThreadPoolExecutor(4) as threads:
        noise = [threads.submit(embeddings.embed_documents, [f"Paper {number}\n\nText."] * 8) for number in range(4)]
        vectors = list(threads.map(embeddings.embed_query, [query] * 8))
        assert all(len(future.result()) == 8 for future in noise)
    assert all(vector == expected for vector in vectors)
    other = embeddings.model_copy(update={"batch_size": 2, "show_progress": True})
    assert other.embed_query(query) == expected
    assert json.loads(json.dumps(expected)) == expected


async def test_async_equals_sync(embeddings: Specter2Embeddings) -> None:
    query, documents = await asyncio.gather(embeddings.aembed_query("graphs"), embeddings.aembed_documents(["a", "b"]))
    np.testing.assert_allclose(query, embeddings.embed_query("graphs"), atol=1e-6)
    np.testing.assert_allclose(documents, embeddings.embed_documents(["a", "b"]), atol=1e-6)


@pytest.fixture
def no_collecting() -> Iterator[None]:
    """Python's collector stops every thread for as long as it takes to look at all that pytest and torch hold."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("no_collecting")
async def test_the_event_loop_goes_on_while_documents_are_embedded(embeddings: Specter2Embeddings) -> None:
    sentence = "graph neural network molecule property prediction message passing chemistry learning "
    texts = [f"Paper {number}\n\n" + sentence * (1 + number % 12) for number in range(240)]
    gaps: list[tuple[float, float]] = []

    async def heartbeat() -> None:
        last = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter(), time.process_time()
            gaps.append((now[0] - last[0], now[1] - last[1]))
            last = now

    beating = asyncio.create_task(heartbeat())
    started = time.perf_counter()
    vectors = await embeddings.aembed_documents(texts)
    busy = time.perf_counter() - started
    beating.cancel()
    assert len(vectors) == 240
    assert busy > 0.5, "too short to tell"
    # What this process did not compute in, others on the machine did.
    assert max(min(passed, computed) for passed, computed in gaps) < 0.1
    assert sum(passed for passed, _ in gaps) > busy - 0.1
