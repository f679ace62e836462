"""Texts -> one vector each, in passes of a bounded number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor
from transformers import BertModel

from specter2_plugins.adapters import Adapter
from specter2_plugins.engine.encoder import encode
from specter2_plugins.engine.texts import Tokenize, token_batches
from specter2_plugins.engine.tokens import PackedTokens

Pooling = Literal["cls", "mean"]
"""How a text's token vectors become one: the first of them, or their mean."""


def encode_pooled(
    base: BertModel,
    texts: Sequence[str],
    tokenize: Tokenize,
    adapters: Sequence[Adapter | None],
    *,
    pooling: Pooling,
    token_budget: int,
    on_pass: Callable[[int, int], object] = lambda texts, tokens: None,
) -> Tensor:
    """Embed texts.

    Args:
        base: A base for which `refusal` is None.
        texts: The texts, in any order.
        tokenize: Texts -> vocabulary ids, truncated and without padding.
        adapters: The adapter of each, None for the base alone.
        pooling: How a text's token vectors become one.
        token_budget: Most tokens in one pass.
        on_pass: Called after each pass with the numbers of texts and of tokens that it embedded.

    Returns:
        [texts, hidden size] in the order given, on the base's device.
    """
    pooled = torch.empty(len(texts), base.config.hidden_size, dtype=base.dtype, device=base.device)
    for positions, sequences in token_batches(texts, tokenize, token_budget):
        tokens = PackedTokens.from_lists(sequences, base.device)
        hidden = encode(base, tokens, [adapters[position] for position in positions], first_only=pooling == "cls")
        index = torch.tensor(positions, device=base.device)
        pooled[index] = hidden if pooling == "cls" else _means(hidden, tokens.lengths)
        on_pass(len(positions), len(tokens.ids))
    return pooled


def _means(hidden: Tensor, lengths: Sequence[int]) -> Tensor:
    counts = torch.tensor(lengths, device=hidden.device)
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=hidden.device), counts)
    sums = torch.zeros(len(lengths), hidden.shape[-1], device=hidden.device).index_add_(0, owners, hidden.float())
    return (sums / counts[:, None]).to(hidden.dtype)
