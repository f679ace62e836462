"""LangChain's `Embeddings` on SPECTER2: queries and documents each through their own adapter."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.embeddings import Embeddings
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.langchain.configured import Configured, Location
from specter2_plugins.papers.payloads import from_page_content
from specter2_plugins.sentence_transformers.load import load_specter2
from specter2_plugins.sentence_transformers.specter2 import Specter2


class Specter2Embeddings(Configured, Embeddings):
    r"""SPECTER2 embeddings: `embed_query` through adhoc_query, `embed_documents` through proximity.

    The async methods run in a worker thread and leave the event loop free. A query gives the same vector every time,
    to the last bit, so a cache such as `CacheBackedEmbeddings` holds what would be computed.

    Example:
        >>> embeddings = Specter2Embeddings(model="mini")
        >>> len(embeddings.embed_documents(["A title\n\nAn abstract"])[0])
        384
        >>> embeddings.model_dump_json(exclude_defaults=True)
        '{"model":"mini"}'
    """

    model: Location = DEFAULT_CHECKPOINT
    """Name or folder of the model, as for `load_specter2`."""
    adapters: dict[str, Location] | None = None
    """Task -> hub name or folder of an adapter, instead of the model's own."""
    document_task: str = "document"
    """The task of `embed_documents`: "document" (proximity), the name of an adapter, or "base"."""
    query_task: str = "query"
    """The task of `embed_query`: "query" (adhoc_query), the name of an adapter, or "base"."""
    device: str | None = None
    """The device; by default the best there is."""
    dtype: str | None = None
    """Precision of the weights, such as "bfloat16", or "auto". Default: float32."""
    engine: str = "auto"
    """What computes, as for `load_specter2`."""
    revision: str | dict[str, str] | None = None
    """A revision of the base, or one per repository."""
    cache_folder: Location | None = None
    """Where downloads are kept."""
    local_files_only: bool = False
    """Use what is cached and never the network."""
    batch_size: int | None = None
    """Documents to a batch. By default batches are cut by tokens, which is faster."""
    show_progress: bool = False
    """Show a progress bar while embedding documents."""
    specter2: SkipJsonSchema[Specter2] = Field(default=cast(Specter2, None), exclude=True, repr=False)
    """The model itself. Pass one that is loaded already and nothing is loaded; it is no part of the settings."""

    # Not in model_post_init, whose errors pydantic would turn into its own.
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._complete = self.specter2 is None or "model" in settings
        if self.specter2 is None:
            self.specter2 = load_specter2(
                self.model,
                adapters=self.adapters,
                device=self.device,
                dtype=self.dtype,
                engine=self.engine,
                revision=self.revision,
                cache_folder=self.cache_folder,
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
            TaskError: If the model does not know `document_task`.
        """
        papers = [from_page_content(text) for text in texts]
        vectors = self.specter2.encode(
            papers,
            task=self.document_task,
            batch_size=self.batch_size,
            show_progress_bar=self.show_progress,
            on_blank="raise",
        )
        # One call for the whole matrix would hold the interpreter, and with it an event loop, for its whole length.
        return [vector.tolist() for vector in vectors]

    def embed_query(self, text: str) -> list[float]:
        """Embed a search query.

        Raises:
            PaperError: If the text holds nothing that can be embedded.
            TaskError: If the model does not know `query_task`.
        """
        vector = self.specter2.encode(text, task=self.query_task, show_progress_bar=False, on_blank="raise")
        return cast(list[float], vector.tolist())
