"""Chroma's embedding function, registered under the name "specter2"."""

from __future__ import annotations

from typing import Any

import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.sentence_transformers.load import load_specter2


@register_embedding_function
class Specter2EmbeddingFunction(EmbeddingFunction[Documents]):
    """Embed a collection's documents by the adapter proximity, and its queries by adhoc_query.

    A collection keeps the name and the settings. Another process imports this module before it opens the collection.

    Example:
        >>> from specter2_plugins.hosts.chroma import Specter2EmbeddingFunction  # doctest: +SKIP
        >>> client.create_collection("papers", embedding_function=Specter2EmbeddingFunction("mini"))  # doctest: +SKIP
    """

    def __init__(self, model: str = DEFAULT_CHECKPOINT, device: str | None = None) -> None:
        self.model = model
        self.device = device
        self._specter2 = load_specter2(model, device=device)

    def __call__(self, input: Documents) -> Embeddings:
        """Embed documents."""
        return _rows(self._specter2.encode_document(list(input)))

    def embed_query(self, input: Documents) -> Embeddings:
        """Embed queries."""
        return _rows(self._specter2.encode_query(list(input)))

    @staticmethod
    def name() -> str:
        """Return what Chroma knows this class by."""
        return "specter2"

    def get_config(self) -> dict[str, Any]:
        """Return what the collection keeps: the arguments."""
        return {"model": self.model, "device": self.device}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> Specter2EmbeddingFunction:
        """Load the model that a collection was made with."""
        return Specter2EmbeddingFunction(**config)

    def validate_config_update(self, old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        """Refuse another model: what the collection holds are vectors of the old one.

        Raises:
            ValueError: If the models differ.
        """
        if old_config.get("model") != new_config.get("model"):
            raise ValueError(
                f"the collection holds vectors of {old_config.get('model')!r}, not of {new_config.get('model')!r}; "
                "make another collection"
            )


def _rows(vectors: Any) -> Embeddings:
    return list(np.asarray(vectors, dtype=np.float32))
