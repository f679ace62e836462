"""What an encoder of sparse vectors does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SparseVector:
    """A vector over a vocabulary that is zero nearly everywhere.

    Args:
        indices: The terms' numbers, each once.
        values: The terms' weights, in the same order.
    """

    indices: list[int]
    values: list[float]


class SparseTextEncoder(Protocol):
    """Texts -> sparse vectors, compared by their dot product."""

    @property
    def name(self) -> str:
        """The vector's name in a collection."""
        ...

    @property
    def needs_idf(self) -> bool:
        """Whether the store must weight terms by their inverse document frequency."""
        ...

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What the vectors were made with, as JSON would hold it."""
        ...

    def encode_query(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return one vector for each query."""
        ...

    def encode_document(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return one vector for each document's text."""
        ...
