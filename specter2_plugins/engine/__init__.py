"""The fast forward: no padding, only the rows that pooling reads, oneDNN's matrix products, bfloat16.

Example:
    >>> from specter2_plugins.engine import PackedTokens, encode, refusal
    >>> with torch.inference_mode():
    ...     assert refusal(bert, [proximity]) is None           # else: use the base's own forward
    ...     tokens = PackedTokens.from_lists([[101, 2023, 102], [101, 102]])
    ...     vectors = encode(bert, tokens, [proximity, None], first_only=True)      # [2, hidden size]
"""

from specter2_plugins.engine.batching import TOKENS_PER_PASS, passes
from specter2_plugins.engine.encoder import encode
from specter2_plugins.engine.pooled import Pooling, encode_pooled
from specter2_plugins.engine.support import refusal
from specter2_plugins.engine.tokens import PackedTokens, pad

__all__ = [
    "TOKENS_PER_PASS",
    "PackedTokens",
    "Pooling",
    "encode",
    "encode_pooled",
    "pad",
    "passes",
    "refusal",
]
