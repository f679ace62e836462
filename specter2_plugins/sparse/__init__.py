"""Sparse vectors of papers and queries, for search by words beside search by meaning.

Example:
    >>> from specter2_plugins.sparse import load_sparse
    >>> bm25 = load_sparse("bm25")
    >>> vector, = bm25.encode_query(["neural ranking"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from specter2_plugins.sparse.encoder import SparseTextEncoder, SparseVector
from specter2_plugins.sparse.load import load_sparse

if TYPE_CHECKING:
    from specter2_plugins.sparse.checkpoint import load_splade, merge_adapter
    from specter2_plugins.sparse.splade import Splade

__all__ = ["SparseTextEncoder", "SparseVector", "Splade", "load_sparse", "load_splade", "merge_adapter"]

# BM25 needs no torch.
_LAZY = {
    "Splade": "specter2_plugins.sparse.splade",
    "load_splade": "specter2_plugins.sparse.checkpoint",
    "merge_adapter": "specter2_plugins.sparse.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
