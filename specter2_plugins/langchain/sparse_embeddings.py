"""LangChain's sparse embeddings for Qdrant, on this package's sparse encoders."""

from __future__ import annotations

from typing import Any

from langchain_qdrant import SparseEmbeddings
from langchain_qdrant.sparse_embeddings import SparseVector
from pydantic import BaseModel, ConfigDict, PrivateAttr

from specter2_plugins import sparse
from specter2_plugins.sparse import SparseEncoder, load_sparse


class Specter2SparseEmbeddings(BaseModel, SparseEmbeddings):
    """Vectors of words, for search by words or, beside `Specter2Embeddings`, for hybrid search.

    Example:
        >>> embeddings = Specter2SparseEmbeddings(model="bm25")
        >>> embeddings.embed_query("neural ranking").values
        [1.0, 1.0]
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = "bm25"
    """The encoder, as for `load_sparse`."""

    _encoder: SparseEncoder = PrivateAttr()

    # Not in model_post_init, whose errors pydantic would turn into its own.
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._encoder = load_sparse(self.model)

    @property
    def encoder(self) -> SparseEncoder:
        """What computes the vectors."""
        return self._encoder

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """Embed documents: one vector a text, in their order."""
        return [_vector(vector) for vector in self._encoder.encode_document(texts)]

    def embed_query(self, text: str) -> SparseVector:
        """Embed a search query."""
        (vector,) = self._encoder.encode_query([text])
        return _vector(vector)


def _vector(vector: sparse.SparseVector) -> SparseVector:
    return SparseVector(indices=vector.indices, values=vector.values)
