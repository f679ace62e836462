"""What can be evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from specter2_plugins.evaluation.encoder import Encoder
from specter2_plugins.evaluation.report import Score


class Task(Protocol):
    """One task: its data, and how embeddings of them are measured."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def evaluate(self, encoder: Encoder) -> Iterator[Score]:
        """Embed the task's papers and measure."""
        ...


@dataclass(frozen=True)
class Unread:
    """A task that was found, and how its data are read."""

    name: str
    read: Callable[[], Task]
