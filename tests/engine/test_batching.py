"""Grouping sequences into passes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from specter2_plugins.engine import passes


@given(st.lists(st.integers(1, 512)), st.integers(1, 4096))
def test_each_sequence_once_within_the_budget_longest_first(lengths: list[int], budget: int) -> None:
    groups = passes(lengths, budget)
    order = [position for group in groups for position in group]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[position] for position in order] == sorted(lengths, reverse=True)
    for group in groups:
        assert len(group) == 1 or sum(lengths[position] for position in group) <= budget
    for group, following in pairwise(groups):
        assert sum(lengths[position] for position in group) + lengths[following[0]] > budget


def test_no_sequences_no_passes() -> None:
    assert passes([]) == []
