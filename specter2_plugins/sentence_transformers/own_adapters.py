"""Adapters run by this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

from torch import Tensor, nn
from transformers import PreTrainedModel
from typing_extensions import override

from specter2_plugins.adapters import Adapter, BottleneckConfig, load_adapter, prepare, save_adapter, use_adapter
from specter2_plugins.sentence_transformers.adapter_carrier import AdapterCarrier


class OwnAdapters(nn.Module, AdapterCarrier):
    """Adapters run by this package: any transformers, no monkey-patching, the base's weights untouched."""

    _base: PreTrainedModel

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        object.__setattr__(self, "_base", base)
        self.by_task = nn.ModuleDict()

    @override
    def load(self, task: str, folder: Path) -> None:
        self._carry(task, load_adapter(folder, self._base.config))

    @override
    def add(self, task: str, config: BottleneckConfig) -> None:
        shape = self._base.config
        self._carry(task, Adapter(config, shape.num_hidden_layers, shape.hidden_size, task))

    @override
    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        save_adapter(self._adapter(task), folder, self._base.config, safe_serialization=safe_serialization)

    @override
    def use(self, task: str | None) -> AbstractContextManager[object]:
        return use_adapter(self.adapter(task))

    @override
    def tasks(self) -> list[str]:
        return list(self.by_task)

    @override
    def base_state_dict(self) -> dict[str, Tensor]:
        return self._base.state_dict()

    @override
    def parameters_of(self, task: str) -> Iterator[nn.Parameter]:
        return self._adapter(task).parameters()

    @override
    def state_of(self, task: str) -> dict[str, Tensor]:
        return self._adapter(task).state_dict()

    def adapter(self, task: str | None) -> Adapter | None:
        """Return a task's adapter; None for no task."""
        return None if task is None else self._adapter(task)

    def _adapter(self, task: str) -> Adapter:
        return cast(Adapter, self.by_task[task])

    def _carry(self, task: str, adapter: Adapter) -> None:
        prepare(self._base)
        self.by_task[task] = adapter.to(device=self._base.device, dtype=self._base.dtype)
