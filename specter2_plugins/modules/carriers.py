"""The two ways a base carries adapters: this package's own, and the adapters library's.

Both answer the same calls, so the module above them does not know which one runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn
from transformers import PreTrainedModel

from specter2_plugins.adapters import Adapter, BottleneckConfig, load_adapter, prepare, save_adapter, use_adapter
from specter2_plugins.errors import AdapterError, MissingExtraError


class AdapterCarrier(Protocol):
    """A base's adapters by task."""

    def load(self, task: str, folder: Path) -> None:
        """Read an adapter in AdapterHub's format and carry it under a task's name."""

    def add(self, task: str, config: BottleneckConfig) -> None:
        """Carry a fresh adapter under a task's name."""

    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        """Write a task's adapter in AdapterHub's format."""

    def use(self, task: str | None) -> AbstractContextManager[object]:
        """Run this thread's forward passes through a task's adapter, or through none."""

    def tasks(self) -> list[str]:
        """The tasks with an adapter, in the order they were loaded."""

    def base_state_dict(self) -> dict[str, Tensor]:
        """The base's own weights, under transformers' names."""


class OwnAdapters(nn.Module):
    """Adapters run by this package: any transformers, no monkey-patching, the base's weights untouched."""

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        object.__setattr__(self, "_base", base)
        self.by_task = nn.ModuleDict()

    def load(self, task: str, folder: Path) -> None:
        self._carry(task, load_adapter(folder, self._base.config))

    def add(self, task: str, config: BottleneckConfig) -> None:
        shape = self._base.config
        self._carry(task, Adapter(config, shape.num_hidden_layers, shape.hidden_size, task))

    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        save_adapter(self.by_task[task], folder, self._base.config, safe_serialization=safe_serialization)

    def use(self, task: str | None) -> AbstractContextManager[object]:
        return use_adapter(None if task is None else self.by_task[task])

    def tasks(self) -> list[str]:
        return list(self.by_task)

    def base_state_dict(self) -> dict[str, Tensor]:
        return self._base.state_dict()

    def _carry(self, task: str, adapter: Adapter) -> None:
        prepare(self._base)
        self.by_task[task] = adapter.to(device=self._base.device, dtype=self._base.dtype)


class LibraryAdapters(nn.Module):
    """Adapters run by the adapters library, for the kinds that this package does not run."""

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        try:
            import adapters
        except ImportError as error:
            if getattr(error, "name", None) == "adapters":
                raise MissingExtraError("adapters", "adapters") from None
            raise AdapterError(
                f"the adapters library does not import beside this transformers ({error}). "
                "engine='adapterhub' needs transformers 4.57; without it use engine='auto'"
            ) from error
        adapters.init(base)
        object.__setattr__(self, "_base", base)
        self._tasks: list[str] = []

    def load(self, task: str, folder: Path) -> None:
        safe = (folder / "adapter.safetensors").is_file()
        try:
            self._base.load_adapter(str(folder), load_as=task, set_active=False, use_safetensors=safe)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise AdapterError(f"the adapters library cannot load {folder}: {error}") from error
        self._carry(task)

    def add(self, task: str, config: BottleneckConfig) -> None:
        self._base.add_adapter(task, config=config.to_dict())
        self._carry(task)

    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._base.save_adapter(str(folder), task, use_safetensors=safe_serialization)

    def use(self, task: str | None) -> AbstractContextManager[object]:
        from adapters.context import AdapterSetup

        return AdapterSetup(task)

    def tasks(self) -> list[str]:
        return list(self._tasks)

    def base_state_dict(self) -> dict[str, Tensor]:
        return dict(self._own_weights())

    def _carry(self, task: str) -> None:
        if task not in self._tasks:
            self._tasks.append(task)

    def _own_weights(self) -> Iterator[tuple[str, Tensor]]:
        foreign = {id(parameter) for task in self._tasks for parameter in self._adapter_parameters(task)}
        for name, tensor in self._base.state_dict(keep_vars=True).items():
            if id(tensor) not in foreign and "shared_parameters." not in name:
                yield name, tensor.detach()

    def _adapter_parameters(self, task: str) -> Iterator[nn.Parameter]:
        for layer in self._base.get_adapter(task).values():
            for module in layer.values():
                yield from module.parameters()


CARRIERS: dict[str, type[OwnAdapters] | type[LibraryAdapters]] = {
    "auto": OwnAdapters,
    "reference": OwnAdapters,
    "adapterhub": LibraryAdapters,
}
"""How each `engine` carries its adapters."""
