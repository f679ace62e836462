"""Opening a collection as a LangChain vector store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.sparse_embeddings import Specter2SparseEmbeddings
from specter2_plugins.langchain.vector_store import PaperVectorStore
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.search import Mode


@contextmanager
def open_vector_store(
    collection: str = "papers",
    embedding: Specter2Embeddings | None = None,
    *,
    store: str | Path | None = None,
    url: str | None = None,
    api_key: str | None = None,
    mode: Mode = "dense",
    sparse_embedding: Specter2SparseEmbeddings | None = None,
    vector: str | None = None,
) -> Iterator[PaperVectorStore]:
    """Open a collection that `specter2 ingest` filled as a LangChain vector store, and close it at the end.

    Example:
        >>> with open_vector_store("papers", store="papers.qdrant") as papers:
        ...     retriever = papers.as_retriever(search_kwargs={"k": 5})
        ...     documents = retriever.invoke("neural ranking models")

    Args:
        collection: The collection's name.
        embedding: As `PaperVectorStore.from_collection`.
        store: A folder for Qdrant's embedded engine.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key.
        mode: As `PaperVectorStore.from_collection`.
        sparse_embedding: As `PaperVectorStore.from_collection`.
        vector: As `PaperVectorStore.from_collection`.

    Raises:
        StoreError: If the store cannot be opened, or as `PaperVectorStore.from_collection`.
    """
    with open_client(store=store, url=url, api_key=api_key) as client:
        yield PaperVectorStore.from_collection(
            client, collection, embedding, mode=mode, sparse_embedding=sparse_embedding, vector=vector
        )
