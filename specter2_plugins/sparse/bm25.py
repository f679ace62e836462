"""BM25 as sparse vectors, computed by Qdrant's own tokenizer and stemmer, with nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from specter2_plugins.extras import require
from specter2_plugins.sparse.encoder import SparseVector


@dataclass(frozen=True)
class Bm25:
    """Okapi BM25 over English stems; the store multiplies by the inverse document frequency.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).

    Args:
        k: How fast a term's repetitions stop counting.
        b: How much a long document is held against its terms, 0 to 1.
        average_length: Words of a document on average; a title with its abstract has some 150.
    """

    k: float = 1.2
    b: float = 0.75
    average_length: float = 150.0

    @property
    def name(self) -> str:
        """The vector's name in a collection."""
        return "bm25"

    @property
    def needs_idf(self) -> bool:
        """BM25 without the inverse document frequency is none."""
        return True

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """The three parameters, and who tokenizes."""
        return {"encoder": "bm25", "tokenizer": "qdrant, english", **asdict(self)}

    def encode_query(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return each stem once, with weight 1."""
        model = self._model()
        return [_vector(model.embed_query(text)) for text in texts]

    def encode_document(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return each stem with its saturated frequency."""
        model = self._model()
        return [_vector(model.embed_document(text)) for text in texts]

    def _model(self) -> Any:
        edge = require("qdrant_edge", "qdrant-edge-py", "qdrant")
        return edge.Bm25(edge.Bm25Config(k=self.k, b=self.b, avg_len=self.average_length, language="english"))


def _vector(vector: Any) -> SparseVector:
    return SparseVector(list(vector.indices), list(vector.values))
