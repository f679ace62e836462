"""How a whole list of texts is embedded at once."""

from __future__ import annotations

from dataclasses import dataclass

from specter2_plugins.engine import TOKENS_PER_PASS, Pooling


@dataclass(frozen=True)
class Plan:
    """Passes of a bounded number of tokens over texts of like length, pooled as they come.

    Args:
        pooling: How a text's token vectors become one.
        token_budget: Most tokens in one pass.
        show_progress: Show how many texts are done.
    """

    pooling: Pooling
    token_budget: int = TOKENS_PER_PASS
    show_progress: bool = False
