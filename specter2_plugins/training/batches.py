"""Which examples share a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from datasets import Dataset, Value
from pyarrow import compute
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch import Tensor
from typing_extensions import override

_ROWS = 10_000


class SimilarLengths(DefaultBatchSampler):
    """Batches of texts of like length, which need little padding.

    Examples are drawn at random into windows of as many batches as make an optimiser step, and cut into batches by
    their length there: what a step learns from is drawn by chance.

    Args:
        dataset: Its columns of text count.
        window: Batches in a window.
        *args: As Sentence Transformers' samplers.
        **kwargs: As Sentence Transformers' samplers.
    """

    def __init__(self, dataset: Dataset, *args: Any, window: int, **kwargs: Any) -> None:
        super().__init__(dataset, *args, **kwargs)
        self._window = window
        self._lengths = torch.cat(list(_lengths(dataset)))

    @override
    def __iter__(self) -> Iterator[list[int]]:
        # The sampler of several data sets seeds this generator each epoch; Sentence Transformers 5 tells no epoch.
        generator = self.generator or torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.randperm(len(self._lengths), generator=generator)
        for window in drawn.split(self._window * self.batch_size):
            batches = window[self._lengths[window].argsort(stable=True)].split(self.batch_size)
            for number in torch.randperm(len(batches), generator=generator).tolist():
                if len(batches[number]) == self.batch_size or not self.drop_last:
                    yield batches[number].tolist()


def _lengths(dataset: Dataset) -> Iterator[Tensor]:
    """Yield the characters of each example's texts, [examples], some at a time."""
    texts = [name for name, feature in dataset.features.items() if feature == Value("string")]
    for table in dataset.select_columns(texts).with_format("arrow").iter(_ROWS):
        yield torch.stack([torch.tensor(compute.utf8_length(table[name]).to_numpy()) for name in texts]).sum(0)
