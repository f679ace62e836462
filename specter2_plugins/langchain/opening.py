"""Opening a collection as a LangChain vector store."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from specter2_plugins.errors import StoreError
from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.sparse_embeddings import Specter2SparseEmbeddings
from specter2_plugins.langchain.vector_store import PaperVectorStore
from specter2_plugins.qdrant import open_client
from specter2_plugins.qdrant.search import Mode


def open_vector_store(
    collection: str = "papers",
    embedding: Specter2Embeddings | None = None,
    *,
    model: str | Path | None = None,
    store: str | Path | None = None,
    url: str | None = None,
    api_key: str | SecretStr | None = None,
    api_key_file: str | Path | None = None,
    grpc: bool = False,
    grpc_port: int = 6334,
    timeout: int = 60,
    mode: Mode = "dense",
    sparse_embedding: Specter2SparseEmbeddings | None = None,
    vector: str | None = None,
    read_only: bool = False,
) -> PaperVectorStore:
    """Open a collection that `specter2 ingest` filled as a LangChain vector store.

    Example:
        >>> from specter2_plugins import PaperCollection
        >>> with PaperCollection.open("papers.qdrant", model="mini") as collection:
        ...     report = collection.ingest("library.bib")
        >>> with open_vector_store("papers", store="papers.qdrant", model="mini") as papers:
        ...     documents = papers.as_retriever(search_kwargs={"k": 2}).invoke("irrigation of soil")
        >>> documents[0].metadata["title"]
        'Soil water under drip irrigation'

    Args:
        collection: The collection's name.
        embedding: As `PaperVectorStore.from_collection`.
        model: The name or folder of the model, instead of `embedding`.
        store: A folder for Qdrant's embedded engine, which one client at a time can have open to write.
        url: A Qdrant server, instead of a folder.
        api_key: The server's key; by default what the variable QDRANT_API_KEY holds.
        api_key_file: A file that holds the key, instead.
        grpc: Speak gRPC with the server instead of HTTP.
        grpc_port: The server's port for that.
        timeout: Seconds to wait for one answer of the server.
        mode: As `PaperVectorStore.from_collection`.
        sparse_embedding: As `PaperVectorStore.from_collection`.
        vector: As `PaperVectorStore.from_collection`.
        read_only: Only read a folder, beside a process that may write it meanwhile.

    Returns:
        The vector store. `close`, or the end of a `with`, closes its client.

    Raises:
        StoreError: If the store is not there or cannot be opened, or as `PaperVectorStore.from_collection`.
    """
    if model is not None:
        if embedding is not None:
            raise StoreError("name one of model and embedding")
        embedding = Specter2Embeddings(model=model)
    with ExitStack() as opened:
        connection: dict[str, Any] = {"grpc": grpc, "grpc_port": grpc_port, "timeout": timeout}
        connection |= {"api_key_file": api_key_file, "create": False, "read_only": read_only}
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        client = opened.enter_context(open_client(store, url, key, **connection))
        papers = PaperVectorStore.from_collection(
            client, collection, embedding, mode=mode, sparse_embedding=sparse_embedding, vector=vector
        )
        papers.own(opened.pop_all())
    return papers
