"""Sparse vectors of papers and queries, for search by words beside search by meaning.

Example:
    >>> from specter2_plugins.sparse import load_sparse
    >>> bm25 = load_sparse("bm25")
    >>> vector, = bm25.encode_query(["neural ranking"])
"""

from specter2_plugins.sparse.encoder import SparseEncoder, SparseVector
from specter2_plugins.sparse.load import load_sparse

__all__ = ["SparseEncoder", "SparseVector", "load_sparse"]
