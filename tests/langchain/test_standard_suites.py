"""LangChain's own standard suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests")

from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests
from qdrant_client.client_base import QdrantBase

from specter2_plugins import Specter2
from specter2_plugins.langchain import (
    PaperVectorStore,
    SimilarPapersRetriever,
    Specter2Embeddings,
    open_vector_store,
)
from specter2_plugins.qdrant import CollectionSpec
from specter2_plugins.sparse import load_sparse
from specter2_plugins.store.preparation import prepare_collection


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return Specter2Embeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "mini"}


class TestEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return Specter2Embeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "mini"}


class TestDenseStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings) -> PaperVectorStore:
        prepare_collection(client, CollectionSpec(), mini)
        return PaperVectorStore.from_collection(client, "papers", embeddings)


class TestHybridStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, client: QdrantBase, mini: Specter2, embeddings: Specter2Embeddings) -> PaperVectorStore:
        prepare_collection(client, CollectionSpec(sparse=("bm25",)), mini, [load_sparse("bm25")])
        return PaperVectorStore.from_collection(client, "papers", embeddings, mode="hybrid")


class OnAFilledStore(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def open_store(self, filled: Path, embeddings: Specter2Embeddings) -> Iterator[None]:
        with open_vector_store("papers", embeddings, store=filled) as self.store:
            yield


class TestQuestions(OnAFilledStore):
    @property
    def retriever_constructor(self) -> Callable[..., BaseRetriever]:
        return lambda **search: self.store.as_retriever(search_kwargs=search)

    @property
    def retriever_query_example(self) -> str:
        return "ranking documents"


class TestSimilarPapers(OnAFilledStore):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return SimilarPapersRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"vectorstore": self.store}

    @property
    def retriever_query_example(self) -> str:
        return "rank"


del OnAFilledStore
