"""Packing and unpacking."""

from __future__ import annotations

import pytest
import torch

from specter2_plugins.engine import PackedTokens, pad

IDS = torch.tensor([[5, 6, 7, 0], [8, 0, 0, 0], [1, 2, 3, 4]])
MASK = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]])


def test_padding_is_dropped() -> None:
    tokens = PackedTokens.from_padded(IDS, MASK, IDS + 10)
    assert tokens.lengths == (3, 1, 4)
    assert tokens.ids.tolist() == [5, 6, 7, 8, 1, 2, 3, 4]
    assert tokens.positions.tolist() == [0, 1, 2, 0, 0, 1, 2, 3]
    assert tokens.types.tolist() == [15, 16, 17, 18, 11, 12, 13, 14]


def test_lists_and_a_padded_batch_pack_alike() -> None:
    tokens = PackedTokens.from_lists([[5, 6, 7], [8], [1, 2, 3, 4]])
    padded = PackedTokens.from_padded(IDS, MASK)
    assert tokens.lengths == padded.lengths
    for name in ("ids", "positions", "types"):
        assert torch.equal(getattr(tokens, name), getattr(padded, name))


def test_columns_are_positions_where_padding_lies_on_the_left() -> None:
    tokens = PackedTokens.from_padded(IDS, MASK.flip(1))
    assert tokens.positions.tolist() == [1, 2, 3, 3, 0, 1, 2, 3]


def test_no_mask_means_no_padding() -> None:
    assert PackedTokens.from_padded(IDS).lengths == (4, 4, 4)


def test_a_sequence_without_tokens_is_named() -> None:
    with pytest.raises(ValueError, match="sequence 1 has no token"):
        PackedTokens.from_padded(IDS, torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]))
    with pytest.raises(ValueError, match="sequence 0 has no token"):
        PackedTokens.from_lists([[], [1]])


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[3, 3\], expected input_ids' \[3, 4\]"):
        PackedTokens.from_padded(IDS, MASK[:, :3])


def test_pad_puts_values_back_where_the_mask_is() -> None:
    values = torch.arange(1.0, 9.0)[:, None].repeat(1, 2)
    padded = pad(values, MASK)
    assert padded[:, :, 0].tolist() == [[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 7, 8]]
