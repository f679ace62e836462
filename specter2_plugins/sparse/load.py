"""Names -> encoders of sparse vectors."""

from __future__ import annotations

from collections.abc import Callable

from specter2_plugins.errors import CheckpointError
from specter2_plugins.sparse.bm25 import Bm25
from specter2_plugins.sparse.encoder import SparseEncoder

_ENCODERS: dict[str, Callable[[], SparseEncoder]] = {"bm25": Bm25}


def load_sparse(name: str) -> SparseEncoder:
    """Make the encoder of a name.

    Raises:
        CheckpointError: If there is none of that name.
    """
    if name not in _ENCODERS:
        raise CheckpointError(f"unknown sparse encoder {name!r}, expected one of: {', '.join(_ENCODERS)}")
    return _ENCODERS[name]()
