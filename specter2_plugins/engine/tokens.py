"""The tokens of a batch without its padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor


@dataclass(frozen=True)
class PackedTokens:
    """The tokens of several sequences, one sequence after another.

    Args:
        ids: Vocabulary ids, [tokens].
        positions: Each token's position in its sequence, [tokens].
        types: Token type ids, [tokens].
        lengths: Tokens of each sequence, at least one.

    Raises:
        ValueError: If a sequence has no token.
    """

    ids: Tensor
    positions: Tensor
    types: Tensor
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        if 0 in self.lengths:
            raise ValueError(f"sequence {self.lengths.index(0)} has no token")

    @classmethod
    def from_lists(cls, sequences: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> PackedTokens:
        """Pack the vocabulary ids of each sequence, as a tokenizer gives them without padding; all of type 0."""
        lengths = tuple(map(len, sequences))
        ids = torch.tensor(list(chain.from_iterable(sequences)), dtype=torch.long, device=device)
        positions = torch.tensor(list(chain.from_iterable(map(range, lengths))), dtype=torch.long, device=device)
        return cls(ids, positions, torch.zeros_like(ids), lengths)

    @classmethod
    def from_padded(
        cls, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> PackedTokens:
        """Pack a padded batch. Padding may lie on either side; positions count columns, as transformers' do.

        Args:
            input_ids: [batch, columns].
            attention_mask: [batch, columns], 0 at padding. Default: no padding.
            token_type_ids: [batch, columns]. Default: zeros.

        Raises:
            ValueError: If the mask's shape is another, or a sequence has no token.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if attention_mask.shape != input_ids.shape:
            raise ValueError(
                f"attention_mask is {list(attention_mask.shape)}, expected input_ids' {list(input_ids.shape)}"
            )
        present = attention_mask != 0
        columns = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
        ids = input_ids[present]
        types = torch.zeros_like(ids) if token_type_ids is None else token_type_ids[present]
        return cls(ids, columns[present], types, tuple(present.sum(1).tolist()))

    @property
    def starts(self) -> list[int]:
        """The index of each sequence's first token."""
        starts, start = [], 0
        for length in self.lengths:
            starts.append(start)
            start += length
        return starts

    def index_of(self, order: Sequence[int]) -> Tensor:
        """Return the indices of the tokens, [tokens], when the sequences are taken in another order."""
        starts = self.starts
        spans = (range(starts[sequence], starts[sequence] + self.lengths[sequence]) for sequence in order)
        return torch.tensor(list(chain.from_iterable(spans)), dtype=torch.long, device=self.ids.device)


def pad(values: Tensor, attention_mask: Tensor) -> Tensor:
    """Put packed values, [tokens, size], where the mask is not 0; zeros elsewhere: [batch, columns, size]."""
    padded = values.new_zeros(*attention_mask.shape, values.shape[-1])
    padded[attention_mask != 0] = values
    return padded
