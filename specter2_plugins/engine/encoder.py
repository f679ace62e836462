"""BERT's forward over packed tokens, each sequence through its own bottleneck adapter or through none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertModel

from specter2_plugins.adapters import Adapter, Bottleneck
from specter2_plugins.adapters.bottleneck import Location
from specter2_plugins.engine.attention import attend
from specter2_plugins.engine.kernels import linear_kernel
from specter2_plugins.engine.tokens import PackedTokens

# On a CPU a layer is computed in blocks of at most this many tokens. The widest matrix of BERT base then takes 24 MiB:
# near the cache, and below the 32 MiB from which malloc takes fresh pages of the system each time.
_BLOCK_ROWS = 2048


def encode(
    base: BertModel, tokens: PackedTokens, adapters: Sequence[Adapter | None], *, first_only: bool = False
) -> Tensor:
    """Return last hidden states, as the base's own forward computes them, from the weights that it has now.

    It keeps nothing between calls and may run in several threads at once. Gradients do not flow.

    Args:
        base: A base for which `refusal` is None.
        tokens: What to encode, on the base's device.
        adapters: The adapter of each sequence, None for the base alone.
        first_only: Compute only the first token of each sequence in the last layer: all that CLS pooling reads.

    Returns:
        [tokens, hidden size] in the order of the tokens; with `first_only` [sequences, hidden size].

    Raises:
        ValueError: If there is not one adapter per sequence, or a sequence is longer than the base allows.
    """
    if len(adapters) != len(tokens.lengths):
        raise ValueError(f"{len(adapters)} adapters for {len(tokens.lengths)} sequences")
    longest = max(tokens.lengths, default=0)
    if longest > base.config.max_position_embeddings:
        raise ValueError(f"a sequence has {longest} tokens, the base takes {base.config.max_position_embeddings}")
    dtype = base.embeddings.word_embeddings.weight.dtype
    if not tokens.lengths:
        return torch.empty(0, base.config.hidden_size, dtype=dtype, device=tokens.ids.device)
    # Sequences of one adapter side by side share its matrix products; those of one length share an attention call.
    rank = {adapter: number for number, adapter in enumerate(dict.fromkeys(adapters))}
    order = sorted(range(len(adapters)), key=lambda i: (rank[adapters[i]], tokens.lengths[i]))
    index = tokens.index_of(order)
    hidden = _embed(base.embeddings, tokens, index)
    most_rows = _BLOCK_ROWS if hidden.device.type == "cpu" else len(hidden)
    blocks = _blocks([adapters[i] for i in order], [tokens.lengths[i] for i in order], most_rows)
    layers = list(base.encoder.layer)
    last = layers.pop() if first_only else None
    for number, layer in enumerate(layers):
        _all_tokens(_Layer(layer, number, dtype, len(hidden), len(hidden)), hidden, blocks)
    if last is not None:
        hidden = _first_tokens(_Layer(last, len(layers), dtype, len(hidden), len(order)), hidden, blocks)
        index = torch.tensor(order, device=hidden.device)
    return torch.empty_like(hidden, dtype=dtype).index_copy_(0, index, hidden.to(dtype))


@dataclass(frozen=True)
class _Block:
    """Neighbouring sequences of one adapter, computed together."""

    adapter: Adapter | None
    lengths: list[int]
    rows: slice
    """Their tokens."""


def _blocks(adapters: Sequence[Adapter | None], lengths: Sequence[int], most_rows: int) -> list[_Block]:
    blocks: list[_Block] = []
    stop = 0
    for adapter, length in zip(adapters, lengths, strict=True):
        start, members = stop, [length]
        if blocks and blocks[-1].adapter is adapter and stop + length - blocks[-1].rows.start <= most_rows:
            last = blocks.pop()
            start, members = last.rows.start, [*last.lengths, length]
        stop += length
        blocks.append(_Block(adapter, members, slice(start, stop)))
    return blocks


def _all_tokens(layer: _Layer, hidden: Tensor, blocks: Iterable[_Block]) -> None:
    """Replace every row of `hidden` by the layer's output."""
    for block in blocks:
        rows = hidden[block.rows]
        context = layer.attend(rows, rows, block.lengths, block.lengths)
        hidden[block.rows] = layer.finish(context, rows, block.adapter)


def _first_tokens(layer: _Layer, hidden: Tensor, blocks: Sequence[_Block]) -> Tensor:
    """Return the layer's output for the first token of each sequence: [sequences, hidden size]."""
    contexts, firsts = [], []
    for block in blocks:
        rows = hidden[block.rows]
        first = rows[[0, *accumulate(block.lengths[:-1])]]
        contexts.append(layer.attend(first, rows, [1] * len(first), block.lengths))
        firsts.append(first)
    context, first = torch.cat(contexts), torch.cat(firsts)
    out = torch.empty_like(first)
    start = 0
    for adapter, group in groupby(blocks, key=lambda block: block.adapter):
        stop = start + sum(len(block.lengths) for block in group)
        out[start:stop] = layer.finish(context[start:stop], first[start:stop], adapter)
        start = stop
    return out


class _Layer:
    """One layer in one pass. What runs along its residual connections is float32 even where the weights are not.

    Args:
        layer: A `BertLayer`.
        number: Its number, from 0.
        dtype: The precision of its weights.
        rows: How many tokens are attended to in the pass.
        asked: How many tokens the layer is computed for.
    """

    def __init__(self, layer: Any, number: int, dtype: torch.dtype, rows: int, asked: int) -> None:
        attention = layer.attention.self
        self._number = number
        self._dtype = dtype
        self._heads = attention.num_attention_heads
        self._query = linear_kernel(attention.query, asked)
        self._key = linear_kernel(attention.key, rows)
        self._value = linear_kernel(attention.value, rows)
        self._project = linear_kernel(layer.attention.output.dense, asked)
        self._expand = linear_kernel(layer.intermediate.dense, asked)
        self._contract = linear_kernel(layer.output.dense, asked)
        self._activation = layer.intermediate.intermediate_act_fn
        self._norms = {"attention": layer.attention.output.LayerNorm, "output": layer.output.LayerNorm}

    def attend(self, asked: Tensor, hidden: Tensor, asked_lengths: Sequence[int], lengths: Sequence[int]) -> Tensor:
        """Return what each row asked for reads of its sequence, before the projection: [asked, hidden size]."""
        narrow = hidden.to(self._dtype)
        query = self._query(narrow if asked is hidden else asked.to(self._dtype))
        key, value = self._key(narrow), self._value(narrow)
        return attend(query, key, value, heads=self._heads, query_lengths=asked_lengths, lengths=lengths)

    def finish(self, context: Tensor, residual: Tensor, adapter: Adapter | None) -> Tensor:
        """Return the rest of the layer, which works row by row: [rows, hidden size]."""
        attended = self._close("attention", self._project(context), residual, adapter)
        inner = self._expand(attended.to(self._dtype), self._activation)
        return self._close("output", self._contract(inner), attended, adapter)

    def _close(self, location: Location, hidden: Tensor, residual: Tensor, adapter: Adapter | None) -> Tensor:
        """Return what follows a dense layer: bottleneck, residual connection, layer norm."""
        norm = self._norms[location]
        bottleneck = None if adapter is None else adapter.bottleneck(self._number, location)
        if bottleneck is not None and not _reads_the_sum_alone(bottleneck):
            return bottleneck(hidden, residual.to(self._dtype), norm).to(residual.dtype)
        added = hidden.to(residual.dtype).add_(residual)
        if bottleneck is not None:
            down, activation = cast("tuple[nn.Linear, nn.Module]", tuple(bottleneck.adapter_down))
            small = linear_kernel(down)(_norm(norm, added).to(self._dtype), activation)
            added += linear_kernel(bottleneck.adapter_up)(small)
        return _norm(norm, added)


def _reads_the_sum_alone(bottleneck: Bottleneck) -> bool:
    """Return whether hidden and residual matter through their sum alone, as in seq_bn, SPECTER2's configuration."""
    config = bottleneck.config
    return (
        config.original_ln_before
        and config.original_ln_after
        and config.residual_before_ln is True
        and config.scaling == 1.0
        and not (config.is_parallel or config.ln_before or config.ln_after)
    )


def _embed(embeddings: Any, tokens: PackedTokens, index: Tensor) -> Tensor:
    total = F.embedding(tokens.ids[index], embeddings.word_embeddings.weight).float()
    total += F.embedding(tokens.types[index], embeddings.token_type_embeddings.weight)
    total += F.embedding(tokens.positions[index], embeddings.position_embeddings.weight)
    return _norm(embeddings.LayerNorm, total)


def _norm(norm: nn.LayerNorm, rows: Tensor) -> Tensor:
    return F.layer_norm(rows, norm.normalized_shape, norm.weight.to(rows.dtype), norm.bias.to(rows.dtype), norm.eps)
