"""Names -> encoders of sparse vectors."""

from __future__ import annotations

from specter2_plugins.errors import CheckpointError
from specter2_plugins.sparse.bm25 import Bm25
from specter2_plugins.sparse.encoder import SparseTextEncoder


def load_sparse(name: str) -> SparseTextEncoder:
    """Make the encoder of a name.

    Example:
        >>> len(load_sparse("bm25").encode_query(["soil water"])[0].indices)
        2

    Args:
        name: "bm25", or "splade:" and the hub name or folder of a SPLADE model, as `load_splade` takes it. The latter
            is loaded anew each time: who searches often keeps the encoder and passes that.

    Raises:
        CheckpointError: If there is none of that name, or its model cannot be loaded.
    """
    if name == "bm25":
        return Bm25()
    kind, _, model = name.partition(":")
    if kind == "splade" and model:
        from specter2_plugins.sparse.splade import Splade

        return Splade.load(model)
    raise CheckpointError(
        f"unknown sparse encoder {name!r}, expected 'bm25' or 'splade:' with a model's hub name or folder"
    )
