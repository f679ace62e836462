"""A LangChain retriever that is given a paper, not a question."""

from __future__ import annotations


from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import run_in_executor
from qdrant_client import models

from specter2_plugins.errors import StoreError
from specter2_plugins.langchain.documents import papers_to_documents
from specter2_plugins.langchain.embeddings import Specter2Embeddings
from specter2_plugins.langchain.vector_store import PaperVectorStore
from specter2_plugins.papers import Paper
from specter2_plugins.payloads import from_page_content
from specter2_plugins.qdrant import similar_papers


class SimilarPapersRetriever(BaseRetriever):
    r"""The neighbours of a paper, which is not among them.

    Its input is the id of a stored paper, such as a DOI or a BibTeX key, or a new paper: "title\n\nabstract", or a
    `Paper`.

    Example:
        >>> similar = SimilarPapersRetriever(vectorstore=papers, k=5)
        >>> documents = similar.invoke("10.1145/3331184.3331185")
    """

    vectorstore: PaperVectorStore
    """Where the papers are."""
    k: int = 4
    """How many neighbours to return."""
    filter: str | models.Filter | None = None
    """Papers to search in, as `parse_filter` reads it, or Qdrant's own filter."""

    def _get_relevant_documents(
        self, query: str | Paper, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        store = self.vectorstore
        if not isinstance(store.embeddings, Specter2Embeddings):
            raise StoreError("similar papers need dense vectors: open the vector store with mode 'dense' or 'hybrid'")
        hits = similar_papers(
            store.client,
            store.embeddings.specter2,
            query if isinstance(query, Paper) else from_page_content(query),
            store.collection_name,
            self.k if k is None else k,
            filter=self.filter,
            vector=store.vector_name,
        )
        return papers_to_documents(hit.paper for hit in hits)

    async def _aget_relevant_documents(
        self, query: str | Paper, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        # LangChain's own does this too, but does not take k.
        return await run_in_executor(
            None, self._get_relevant_documents, query, run_manager=run_manager.get_sync(), k=k
        )
