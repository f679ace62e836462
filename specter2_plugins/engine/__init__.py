"""The fast forward: no padding, only the rows that pooling reads, oneDNN's matrix products, bfloat16.

Example:
    >>> import torch
    >>> from transformers import AutoModel
    >>> from specter2_plugins.adapters import load_adapter, prepare
    >>> from specter2_plugins.engine import PackedTokens, encode, refusal
    >>> bert = AutoModel.from_pretrained("models/bert").eval()
    >>> prepare(bert)
    >>> proximity = load_adapter("models/prx", bert.config).eval()
    >>> with torch.inference_mode():
    ...     assert refusal(bert, [proximity]) is None           # else: use the base's own forward
    ...     tokens = PackedTokens.from_lists([[2, 9, 3], [2, 3]])
    ...     encode(bert, tokens, [proximity, None], first_only=True).shape
    torch.Size([2, 48])
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
