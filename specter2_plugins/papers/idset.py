"""A set of ids that takes 16 bytes for each, so that fifty million fit into a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

_BYTES = 16
_ID = f"S{_BYTES}"
_RECENT = 200_000


class IdSet:
    """A growing set of UUIDs, asked and filled in batches.

    The latest lie in a Python set; once that is large they become a sorted array, and arrays of like size are merged,
    so that there are never more than a few to look into.
    """

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._sorted: list[NDArray[np.bytes_]] = []

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._sorted))

    def __iter__(self) -> Iterator[str]:
        for key in chain(self._recent, *self._sorted):
            yield str(UUID(bytes=bytes(key).ljust(_BYTES, b"\0")))

    def holds(self, ids: Sequence[str]) -> list[bool]:
        """Return whether each of some ids is in the set."""
        keys = list(map(_bytes, ids))
        there = [key in self._recent for key in keys]
        asked = np.array(keys, dtype=_ID)
        for known in self._sorted:
            places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
            there = [found or bool(same) for found, same in zip(there, known[places] == asked, strict=True)]
        return there

    def add(self, ids: Sequence[str]) -> list[bool]:
        """Add ids, in their order.

        Returns:
            For each whether it is new: neither in the set before nor earlier among these.
        """
        new = []
        for key, there in zip(map(_bytes, ids), self.holds(ids), strict=True):
            new.append(not there and key not in self._recent)
            if new[-1]:
                self._recent.add(key)
        if len(self._recent) >= _RECENT:
            self._settle()
        return new

    def _settle(self) -> None:
        # NumPy cuts trailing zero bytes off such strings; of ids, all of one length, none become equal by that.
        self._sorted.append(np.sort(np.array(list(self._recent), dtype=_ID)))
        self._recent = set()
        while len(self._sorted) > 1 and len(self._sorted[-1]) * 2 > len(self._sorted[-2]):
            last = self._sorted.pop()
            merged = np.concatenate([self._sorted.pop(), last])
            merged.sort(kind="stable")
            self._sorted.append(merged)


def _bytes(id: str) -> bytes:
    return bytes.fromhex(id.replace("-", ""))
