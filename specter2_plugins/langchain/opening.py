"""Opening a collection as a LangChain vector store."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.sparse_embeddings import Specter2SparseEmbeddings
from specter2_plugins.langchain.vector_store import PaperVectorStore
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.search import Mode


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
) -> PaperVectorStore:
    """Open a collection that `specter2 ingest` filled as a LangChain vector store.

    Example:
        >>> papers = open_vector_store("papers", store="papers.qdrant")
        >>> documents = papers.as_retriever(search_kwargs={"k": 5}).invoke("neural ranking models")
        >>> papers.close()

    Args:
        collection: The collection's name.
        embedding: As `PaperVectorStore.from_collection`.
        store: A folder for Qdrant's embedded engine, which one client at a time can have open.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key.
        mode: As `PaperVectorStore.from_collection`.
        sparse_embedding: As `PaperVectorStore.from_collection`.
        vector: As `PaperVectorStore.from_collection`.

    Returns:
        The vector store. `close`, or the end of a `with`, closes its client.

    Raises:
        StoreError: If the store is not there or cannot be opened, or as `PaperVectorStore.from_collection`.
    """
    with ExitStack() as opened:
        client = opened.enter_context(open_client(store=store, url=url, api_key=api_key, create=False))
        papers = PaperVectorStore.from_collection(
            client, collection, embedding, mode=mode, sparse_embedding=sparse_embedding, vector=vector
        )
        papers.own(opened.pop_all())
    return papers
