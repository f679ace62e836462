"""How a whole list of texts is embedded at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specter2_plugins.engine import TOKENS_PER_PASS, Pooling


@dataclass(frozen=True)
class Passes:
    """Passes of a bounded number of tokens over texts of like length, pooled as they come.

    Args:
        pooling: How a text's token vectors become one.
        token_budget: Most tokens in one pass.
        on_pass: Called after each pass with the numbers of texts and of tokens that it embedded, in the process that
            made the plan: one that is handed to another process leaves it behind.
    """

    pooling: Pooling
    token_budget: int = TOKENS_PER_PASS
    on_pass: Callable[[int, int], object] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "on_pass": None}


class Routed:
    """A text with a task of its own, which stays with it while Sentence Transformers sorts and splits a list."""

    task: str | None

    @staticmethod
    def of(text: str | tuple[str, str], task: str | None) -> RoutedText | RoutedPair:
        """Tie a task to a text or to a pair of them."""
        routed = RoutedText(text) if isinstance(text, str) else RoutedPair(text)
        routed.task = task
        return routed


class RoutedText(Routed, str):
    """A `str` with a task."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Routed.of, (str(self), self.task)


class RoutedPair(Routed, tuple[str, str]):
    """A pair of texts with a task."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Routed.of, (tuple(self), self.task)
