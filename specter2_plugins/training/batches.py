"""Which examples share a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from typing_extensions import override

_WINDOW = 50


class SimilarLengths(DefaultBatchSampler):
    """Batches of texts of like length, which need little padding.

    Examples are drawn at random into windows of 50 batches, sorted by length in each, and the batches are shuffled.
    The arguments are those of Sentence Transformers' samplers.
    """

    def __init__(self, dataset: Dataset, *args: Any, **kwargs: Any) -> None:
        super().__init__(dataset, *args, **kwargs)
        self._lengths = torch.tensor([_characters(row) for row in dataset])

    @override
    def __iter__(self) -> Iterator[list[int]]:
        # The sampler of several data sets seeds this generator each epoch; Sentence Transformers 5 tells no epoch.
        generator = self.generator or torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.randperm(len(self._lengths), generator=generator)
        batches = [
            batch
            for window in drawn.split(_WINDOW * self.batch_size)
            for batch in window[self._lengths[window].argsort(stable=True)].split(self.batch_size)
        ]
        for number in torch.randperm(len(batches), generator=generator).tolist():
            if len(batches[number]) == self.batch_size or not self.drop_last:
                yield batches[number].tolist()


def _characters(row: dict[str, object]) -> int:
    return sum(len(value) for value in row.values() if isinstance(value, str))
