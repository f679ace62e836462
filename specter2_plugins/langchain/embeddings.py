"""LangChain's `Embeddings` on SPECTER2: queries and documents each through their own adapter."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, PrivateAttr

from specter2_plugins.checkpoints import DEFAULT_CHECKPOINT
from specter2_plugins.models import load_specter2
from specter2_plugins.payloads import from_page_content
from specter2_plugins.sentence_transformer import Specter2


class Specter2Embeddings(BaseModel, Embeddings):
    r"""SPECTER2 embeddings: `embed_query` through adhoc_query, `embed_documents` through proximity.

    Example:
        >>> embeddings = Specter2Embeddings(model="mini")
        >>> len(embeddings.embed_documents(["A title\n\nAn abstract"])[0])
        384
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = DEFAULT_CHECKPOINT
    """Name or folder of the model, as for `load_specter2`."""
    document_task: str = "document"
    """The task of `embed_documents`: "document" (proximity), or the name of an adapter."""
    query_task: str = "query"
    """The task of `embed_query`: "query" (adhoc_query), or the name of an adapter."""
    device: str | None = None
    """The device; by default the best there is."""
    dtype: str | None = None
    """Precision of the weights, such as "bfloat16". Default: float32."""
    engine: str = "auto"
    """What computes, as for `load_specter2`."""
    batch_size: int = 32
    """Documents to a batch."""
    show_progress: bool = False
    """Show a progress bar while embedding documents."""
    local_files_only: bool = False
    """Use what is cached and never the network."""

    _model: Specter2 = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Load the model."""
        self._model = load_specter2(
            self.model,
            device=self.device,
            dtype=self.dtype,
            engine=self.engine,
            local_files_only=self.local_files_only,
        )

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        r"""Embed documents.

        Args:
            texts: "title\n\nabstract", as the page content of `specter2 ingest`'s collections, is taken as title
                and abstract; a text without a blank line as it is.

        Returns:
            One vector a text, in their order.

        Raises:
            PaperError: If a text holds nothing that can be embedded.
        """
        papers = [from_page_content(text) for text in texts]
        vectors = self._model.encode(
            papers, task=self.document_task, batch_size=self.batch_size, show_progress_bar=self.show_progress
        )
        return cast(list[list[float]], vectors.tolist())

    def embed_query(self, text: str) -> list[float]:
        """Embed a search query.

        Raises:
            PaperError: If the text holds nothing that can be embedded.
        """
        vector = self._model.encode(text, task=self.query_task, show_progress_bar=False)
        return cast(list[float], vector.tolist())
