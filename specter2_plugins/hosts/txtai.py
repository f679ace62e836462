"""txtai's vectors: `Embeddings(method="specter2_plugins.hosts.txtai.Specter2Vectors", path="mini")`."""

from __future__ import annotations

from typing import Any

from txtai.vectors.dense.sbert import STVectors

from specter2_plugins.sentence_transformers.load import load_specter2
from specter2_plugins.sentence_transformers.specter2 import Specter2


class Specter2Vectors(STVectors):
    """Embed what is indexed by the adapter proximity, and what is searched for by adhoc_query.

    txtai's default method would load the base by transformers and pool it by the mean, without any adapter.

    Example:
        >>> from txtai import Embeddings  # doctest: +SKIP
        >>> Embeddings(method="specter2_plugins.hosts.txtai.Specter2Vectors", path="mini")  # doctest: +SKIP
    """

    def loadencoder(self, path: str, device: Any, **kwargs: Any) -> Specter2:
        """Load a model by its name or folder, with the arguments of `load_specter2` that `vectors` holds."""
        return load_specter2(path, device=str(device), **kwargs)
