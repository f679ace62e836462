"""LangChain's own standard suites on our embeddings, and the routing they cannot see."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

pytest.importorskip("langchain_tests")

from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from specter2_plugins import Paper, PaperError, Specter2
from specter2_plugins.langchain import Specter2Embeddings


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return Specter2Embeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "mini"}


class TestIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return Specter2Embeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "mini"}


@pytest.fixture(scope="module")
def embeddings() -> Specter2Embeddings:
    return Specter2Embeddings(model="mini")


def test_queries_and_documents_take_their_adapters(embeddings: Specter2Embeddings, mini: Specter2) -> None:
    np.testing.assert_allclose(embeddings.embed_query("graphs"), mini.encode_query("graphs"), atol=1e-6)
    np.testing.assert_allclose(
        embeddings.embed_documents(["graphs"])[0], mini.encode("graphs", task="proximity"), atol=1e-6
    )


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


async def test_async_equals_sync(embeddings: Specter2Embeddings) -> None:
    query, documents = await asyncio.gather(embeddings.aembed_query("graphs"), embeddings.aembed_documents(["a", "b"]))
    np.testing.assert_allclose(query, embeddings.embed_query("graphs"), atol=1e-6)
    np.testing.assert_allclose(documents, embeddings.embed_documents(["a", "b"]), atol=1e-6)
