"""LangChain's sparse embeddings for Qdrant, on this package's sparse encoders."""

from __future__ import annotations

from typing import Any, cast

from langchain_qdrant import SparseEmbeddings
from langchain_qdrant.sparse_embeddings import SparseVector
from pydantic import Field, SkipValidation
from pydantic.json_schema import SkipJsonSchema

from specter2_plugins import sparse
from specter2_plugins.langchain.configured import Configured
from specter2_plugins.sparse import SparseTextEncoder, load_sparse


class Specter2SparseEmbeddings(Configured, SparseEmbeddings):
    """Vectors of words, for search by words or, beside `Specter2Embeddings`, for hybrid search.

    Example:
        >>> embeddings = Specter2SparseEmbeddings(model="bm25")
        >>> embeddings.embed_query("neural ranking").values
        [1.0, 1.0]
    """

    model: str = "bm25"
    """The encoder, as for `load_sparse`: "bm25", or "splade:" and a model's hub name or folder."""
    encoder: SkipJsonSchema[SkipValidation[SparseTextEncoder]] = Field(
        default=cast(SparseTextEncoder, None), exclude=True, repr=False
    )
    """The encoder itself. Pass one that is loaded already and nothing is loaded; it is no part of the settings."""

    # Not in model_post_init, whose errors pydantic would turn into its own.
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._complete = self.encoder is None or "model" in settings
        if self.encoder is None:
            self.encoder = load_sparse(self.model)

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """Embed documents: one vector a text, in their order."""
        return [_vector(vector) for vector in self.encoder.encode_document(texts)]

    def embed_query(self, text: str) -> SparseVector:
        """Embed a search query."""
        (vector,) = self.encoder.encode_query([text])
        return _vector(vector)


def _vector(vector: sparse.SparseVector) -> SparseVector:
    return SparseVector(indices=vector.indices, values=vector.values)
