"""Which sequences go through the model together."""

from __future__ import annotations

from collections.abc import Sequence

TOKENS_PER_PASS = 8192
"""Tokens after which a pass gains nothing from more; its memory at BERT-base size is some 150 MiB in float32."""


def passes(lengths: Sequence[int], budget: int = TOKENS_PER_PASS) -> list[list[int]]:
    """Group sequences into passes by their number of tokens.

    Args:
        lengths: Tokens of each sequence.
        budget: Most tokens in a pass. A longer sequence is a pass by itself.

    Returns:
        The positions of the sequences of each pass, longest first, so that memory peaks in the first pass and
        neighbours are of similar length.
    """
    groups: list[list[int]] = []
    room = 0
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not groups or lengths[position] > room:
            groups.append([])
            room = budget
        groups[-1].append(position)
        room -= lengths[position]
    return groups
