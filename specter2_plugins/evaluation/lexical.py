"""BM25 over a collection, beside which every ranking is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from specter2_plugins.evaluation.stages import passed, stage
from specter2_plugins.scirepeval import Document
from specter2_plugins.sparse import SparseVector
from specter2_plugins.sparse.bm25 import Bm25

_AT_ONCE = 1024

# So slow a saturation, with no regard to length, leaves a term's weight its count.
_COUNTS = Bm25(k=1e9, b=0.0)


class LexicalIndex:
    """The collection's weights of terms, with the inverse document frequency that Qdrant would multiply by.

    Args:
        documents: The collection. Its documents' mean length in terms is BM25's average length.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        texts = [" ".join(parts) for parts in documents]
        with stage("indexing for BM25", "texts", 2 * len(texts)):
            lengths = [sum(vector.values) for vector in _encoded(_COUNTS, texts)]
            self._encoder = Bm25(average_length=max(1.0, sum(lengths) / max(1, len(lengths))))
            vectors = list(_encoded(self._encoder, texts))
        terms = np.fromiter(chain.from_iterable(vector.indices for vector in vectors), np.int64)
        weights = np.fromiter(chain.from_iterable(vector.values for vector in vectors), np.float64)
        self._terms, columns, papers_with = np.unique(terms, return_inverse=True, return_counts=True)
        self._idf = np.log1p((len(texts) - papers_with + 0.5) / (papers_with + 0.5))
        starts = np.cumsum([0, *(len(vector.indices) for vector in vectors)])
        self._weights: Any = csr_array((weights, columns, starts), (len(texts), len(self._terms)))

    def scores(self, queries: Sequence[Document]) -> Iterator[NDArray[np.float64]]:
        """Yield the scores of all documents, [documents], query by query; 0 for one that shares no term."""
        for vector in self._encoder.encode_query([" ".join(parts) for parts in queries]):
            terms = np.array(vector.indices, np.int64)
            known = np.isin(terms, self._terms)
            columns = np.searchsorted(self._terms, terms[known])
            query = np.zeros(len(self._terms))
            query[columns] = self._idf[columns] * np.array(vector.values)[known]
            yield self._weights @ query


def _encoded(encoder: Bm25, texts: Sequence[str]) -> Iterator[SparseVector]:
    for start in range(0, len(texts), _AT_ONCE):
        block = encoder.encode_document(texts[start : start + _AT_ONCE])
        passed(len(block))
        yield from block
