"""Batches of texts of like length."""

from __future__ import annotations

import random
from itertools import chain

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import ProportionalBatchSampler
from torch.utils.data import ConcatDataset

from specter2_plugins.training.batches import SimilarLengths

DRAW = random.Random(0)
LENGTHS = [DRAW.randint(1, 2000) for _ in range(1003)]
DATASET = Dataset.from_dict({"text": ["x" * length for length in LENGTHS], "label": LENGTHS})


def padding(batches: list[list[int]]) -> int:
    return sum(max(LENGTHS[number] for number in batch) - LENGTHS[number] for batch in batches for number in batch)


def sampler(**kwargs: bool) -> SimilarLengths:
    return SimilarLengths(DATASET, batch_size=16, seed=1, window=16, **{"drop_last": False, **kwargs})


def test_every_example_is_in_one_batch() -> None:
    batches = list(sampler())
    assert sorted(number for batch in batches for number in batch) == list(range(len(LENGTHS)))
    assert len(batches) == len(sampler()) == 63
    assert sorted(map(len, batches))[:2] == [11, 16]


def test_an_incomplete_batch_is_dropped_where_asked() -> None:
    batches = list(sampler(drop_last=True))
    assert len(batches) == len(sampler(drop_last=True)) == 62
    assert {len(batch) for batch in batches} == {16}


def test_little_is_padding() -> None:
    plain = [list(range(start, min(start + 16, len(LENGTHS)))) for start in range(0, len(LENGTHS), 16)]
    assert padding(list(sampler())) < padding(plain) / 5


def test_an_epoch_can_be_drawn_again_and_the_next_is_another() -> None:
    first, again, other = sampler(), sampler(), sampler()
    other.set_epoch(1)
    assert list(first) == list(again) != list(other)


def test_several_data_sets_are_drawn_anew_each_epoch() -> None:
    def epochs() -> list[list[int]]:
        generator = torch.Generator()
        one = SimilarLengths(DATASET, batch_size=16, drop_last=False, window=16, seed=1, generator=generator)
        both = ProportionalBatchSampler(ConcatDataset([DATASET]), batch_samplers=[one], generator=generator, seed=1)
        drawn = []
        for epoch in range(2):
            both.set_epoch(epoch)
            drawn.append(list(both))
        return drawn

    first, second = epochs()
    assert first != second
    assert [first, second] == epochs()


def test_a_step_is_drawn_by_chance() -> None:
    batches = list(sampler())
    steps = [list(chain(*batches[start : start + 16])) for start in range(0, 48, 16)]
    means = [sum(LENGTHS[number] for number in step) / len(step) for step in steps]
    assert max(means) < 1.2 * min(means)


def test_short_batches_do_not_come_first() -> None:
    means = [sum(LENGTHS[number] for number in batch) / len(batch) for batch in sampler()]
    assert means != sorted(means)
