"""Texts -> their tokens, grouped into passes while the next texts are tokenized."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from specter2_plugins.engine.batching import passes

# Enough texts for batches of like lengths, few enough that memory stays flat over millions.
_TEXTS_AT_ONCE = 2048

Tokenize = Callable[[Sequence[str]], list[list[int]]]
"""Texts -> the vocabulary ids of each, truncated and without padding."""


def token_batches(texts: Sequence[str], tokenize: Tokenize, budget: int) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Tokenize each text once and batch texts of like length.

    The next texts are tokenized in a thread while the caller computes on the last batch.

    Args:
        texts: What to tokenize.
        tokenize: The tokenizer.
        budget: Most tokens in a batch; a longer text is a batch of its own.

    Yields:
        Positions in `texts`, and the ids of each of these texts.
    """
    chunks = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE)]
    start = 0
    for sequences in _ahead(tokenize, chunks):
        for positions in passes(list(map(len, sequences)), budget):
            yield [start + position for position in positions], [sequences[position] for position in positions]
        start += len(sequences)


def _ahead(tokenize: Tokenize, chunks: Sequence[Sequence[str]]) -> Iterator[list[list[int]]]:
    if len(chunks) < 2:  # a thread costs a single query more than it saves
        yield from map(tokenize, chunks)
        return
    with ThreadPoolExecutor(max_workers=1) as executor:
        following = executor.submit(tokenize, chunks[0])
        for chunk in chunks[1:]:
            sequences = following.result()
            following = executor.submit(tokenize, chunk)
            yield sequences
        yield following.result()
