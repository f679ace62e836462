"""A LangChain retriever that is given a paper, not a question."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import run_in_executor
from pydantic import PrivateAttr
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.vector_store import PaperVectorStore
from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import from_page_content
from specter2_plugins.qdrant.filters import filter_for
from specter2_plugins.qdrant.similar import recommend
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.store.layout import VectorSpace, check_collection


class SimilarPapersRetriever(BaseRetriever):
    r"""The neighbours of a paper, which is not among them.

    Its input is the id of a stored paper, such as a DOI or a BibTeX key, or a new paper: "title\n\nabstract", or a
    `Paper`.

    Example:
        >>> from specter2_plugins import PaperCollection
        >>> from specter2_plugins.langchain import open_vector_store
        >>> with PaperCollection.open("papers.qdrant", model="mini") as collection:
        ...     report = collection.ingest("library.bib")
        >>> with open_vector_store("papers", store="papers.qdrant", model="mini") as papers:
        ...     similar = SimilarPapersRetriever(vectorstore=papers, k=1)
        ...     similar.invoke("10.1145/3331184.3331185")[0].metadata["title"]
        'Neural ranking models for ad-hoc retrieval'

    Raises:
        StoreError: If the vector store searches by words alone, or another model filled its collection.
    """

    vectorstore: PaperVectorStore
    """Where the papers are."""
    k: int = 4
    """How many neighbours to return."""
    filter: str | models.Filter | None = None
    """Papers to search in, as `parse_filter` reads it, or Qdrant's own filter."""

    _model: Specter2 = PrivateAttr()
    _space: VectorSpace = PrivateAttr()

    # Not in model_post_init, whose errors pydantic would turn into its own.
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        store = self.vectorstore
        if not isinstance(store.embeddings, Specter2Embeddings):
            raise StoreError("similar papers are found by dense vectors: open the store in mode 'dense' or 'hybrid'")
        self._model = store.embeddings.specter2
        self._space = check_collection(store.client, store.collection_name, self._model, store.vector_name)

    def _get_relevant_documents(
        self, query: str | Paper, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        store = self.vectorstore
        found = recommend(
            store.client,
            self._model,
            store.collection_name,
            self._space,
            [query if isinstance(query, Paper) else from_page_content(query)],
            where=filter_for(store.client, store.collection_name, self.filter),
            limit=self.k if k is None else k,
        )
        return [document for document, _ in store.with_scores(found)]

    async def _aget_relevant_documents(
        self, query: str | Paper, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        # LangChain's own does the same, but takes no k.
        return await run_in_executor(None, self._get_relevant_documents, query, run_manager=run_manager.get_sync(), k=k)
