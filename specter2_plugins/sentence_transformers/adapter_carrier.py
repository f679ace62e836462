"""What a way of carrying adapters must answer, so that the module above does not know which one runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from torch import Tensor, nn

from specter2_plugins.adapters import BottleneckConfig


class AdapterCarrier(ABC):
    """A base's adapters by task."""

    @abstractmethod
    def load(self, task: str, folder: Path) -> None:
        """Read an adapter in AdapterHub's format and carry it under a task's name."""

    @abstractmethod
    def add(self, task: str, config: BottleneckConfig) -> None:
        """Carry a fresh adapter under a task's name."""

    @abstractmethod
    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        """Write a task's adapter in AdapterHub's format."""

    @abstractmethod
    def use(self, task: str | None) -> AbstractContextManager[object]:
        """Run this thread's forward passes through a task's adapter, or through none."""

    @abstractmethod
    def tasks(self) -> list[str]:
        """Return the tasks with an adapter, in the order they were loaded."""

    @abstractmethod
    def base_state_dict(self) -> dict[str, Tensor]:
        """Return the base's own weights, under transformers' names."""

    @abstractmethod
    def parameters_of(self, task: str) -> Iterator[nn.Parameter]:
        """Return what can be trained of a task's adapter."""

    @abstractmethod
    def state_of(self, task: str) -> dict[str, Tensor]:
        """Return the weights of a task's adapter."""
