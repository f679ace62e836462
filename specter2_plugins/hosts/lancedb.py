"""LanceDB's embedding function, in its registry under the name "specter2"."""

from __future__ import annotations

from typing import Any

from lancedb.embeddings import EmbeddingFunction, register
from pydantic import PrivateAttr

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.sentence_transformers.load import load_specter2


@register("specter2")
class Specter2Embeddings(EmbeddingFunction):
    """Embed a table's source column by the adapter proximity, and what it is searched for by adhoc_query.

    A table keeps the name and the settings. Another process imports this module before it opens the table.

    Example:
        >>> from specter2_plugins.hosts.lancedb import Specter2Embeddings  # doctest: +SKIP
        >>> specter2 = Specter2Embeddings.create(name="mini")  # doctest: +SKIP
        >>> class Paper(LanceModel):  # doctest: +SKIP
        ...     text: str = specter2.SourceField()
        ...     vector: Vector(specter2.ndims()) = specter2.VectorField()
    """

    name: str = DEFAULT_CHECKPOINT
    device: str | None = None
    max_retries: int = 0  # a model on this machine fails for good
    _specter2: Any = PrivateAttr(default=None)

    @property
    def model(self) -> Any:
        """The model, loaded when it is first needed."""
        if self._specter2 is None:
            self._specter2 = load_specter2(self.name, device=self.device)
        return self._specter2

    def compute_query_embeddings(self, query: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Embed queries."""
        return list(self.model.encode_query(self.sanitize_input(query)))

    def compute_source_embeddings(self, texts: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Embed the source column's texts."""
        return list(self.model.encode_document(list(self.sanitize_input(texts))))

    def ndims(self) -> int:
        """Return the length of a vector."""
        return int(self.model.dimensions)
