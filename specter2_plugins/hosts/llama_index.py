"""LlamaIndex's embedding."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.sentence_transformers.load import load_specter2


class Specter2Embedding(BaseEmbedding):
    """Embed nodes by the adapter proximity, and queries by adhoc_query.

    LlamaIndex's `HuggingFaceEmbedding` makes a plain `SentenceTransformer` and asks it by `prompt_name`, which chooses
    no adapter there.

    Example:
        >>> from llama_index.core import Settings  # doctest: +SKIP
        >>> Settings.embed_model = Specter2Embedding("mini")  # doctest: +SKIP
    """

    _specter2: Any = PrivateAttr()

    def __init__(self, model_name: str = DEFAULT_CHECKPOINT, *, device: str | None = None, **kwargs: Any) -> None:
        super().__init__(model_name=model_name, **kwargs)
        self._specter2 = load_specter2(model_name, device=device)

    @classmethod
    def class_name(cls) -> str:
        """Return what LlamaIndex knows this class by."""
        return "Specter2Embedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return list(self._specter2.encode_query(query).tolist())

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return list(self._specter2.encode_document(texts).tolist())

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)
