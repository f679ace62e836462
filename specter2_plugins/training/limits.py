"""Where a model cuts texts while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter2_plugins.errors import TrainingError
from specter2_plugins.sentence_transformers.specter2 import Specter2


def own_limit(model: Specter2) -> int:
    """Return how many tokens a model takes: where it cuts texts, or else the positions that it knows."""
    return model.max_seq_length or int(model.transformer.model.config.max_position_embeddings)


def training_limit(model: Specter2, asked: int | None) -> int:
    """Return where texts are cut in training: where it is asked for, or else where the model does.

    Raises:
        TrainingError: If the model does not take as many.
    """
    own = own_limit(model)
    if asked is not None and asked > own:
        raise TrainingError(f"max_tokens is {asked}, and the model takes {own}")
    return asked or own


@contextmanager
def cut_at(model: Specter2, tokens: int) -> Iterator[None]:
    """Have a model cut texts elsewhere."""
    before = model.max_seq_length
    model.max_seq_length = tokens
    try:
        yield
    finally:
        model.max_seq_length = before
