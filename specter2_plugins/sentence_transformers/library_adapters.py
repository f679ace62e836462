"""Adapters run by the adapters library, for the kinds that this package does not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from typing_extensions import override

from specter2_plugins.adapters import BottleneckConfig
from specter2_plugins.adapters.format import PICKLE_FILE, SAFETENSORS_FILE
from specter2_plugins.errors import AdapterError, MissingExtraError
from specter2_plugins.sentence_transformers.adapter_carrier import AdapterCarrier

# The library's names of the places that this package calls attention and output.
_LOCATIONS = {"mh_adapter": "attention", "output_adapter": "output"}


class LibraryAdapters(nn.Module, AdapterCarrier):
    """Adapters run by the adapters library, for the kinds that this package does not run."""

    _base: Any

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

    @override
    def load(self, task: str, folder: Path) -> None:
        safe = (folder / SAFETENSORS_FILE).is_file()
        report: dict[str, list[str]] = {}
        try:
            self._base.load_adapter(
                str(folder), load_as=task, set_active=False, use_safetensors=safe, loading_info=report
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise AdapterError(f"the adapters library cannot load {folder}: {error}") from error
        # The library leaves weights that a file lacks at random. It counts an adapter's own input norm twice.
        missing = [key for key in report["missing_keys"] if ".adapter_norm_before." not in key]
        if missing:
            self._base.delete_adapter(task)
            raise AdapterError(f"the weights in {folder} lack {len(missing)} tensors, the first {missing[0]}")
        self._carry(task)

    @override
    def add(self, task: str, config: BottleneckConfig) -> None:
        self._base.add_adapter(task, config=config.to_dict())
        self._carry(task)

    @override
    def save(self, task: str, folder: Path, *, safe_serialization: bool) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for stale in (SAFETENSORS_FILE, PICKLE_FILE):
            (folder / stale).unlink(missing_ok=True)
        try:
            self._base.save_adapter(str(folder), task, use_safetensors=safe_serialization)
        except RuntimeError:  # safetensors refuse weights that have several names, as in prefix tuning
            self._base.save_adapter(str(folder), task, use_safetensors=False)

    @override
    def use(self, task: str | None) -> AbstractContextManager[object]:
        from adapters.context import AdapterSetup

        if self._base.is_gradient_checkpointing and self._base.training:
            raise AdapterError(
                "engine='adapterhub' cannot train with gradient checkpointing, which would run its second pass without "
                "the adapter; use engine='auto', or turn gradient checkpointing off"
            )
        return AdapterSetup(task)

    @override
    def tasks(self) -> list[str]:
        return list(self._tasks)

    @override
    def base_state_dict(self) -> dict[str, Tensor]:
        return dict(self._own_weights())

    @override
    def parameters_of(self, task: str) -> Iterator[nn.Parameter]:
        for layer in self._base.get_adapter(task).values():
            for module in layer.values():
                yield from module.parameters()

    @override
    def state_of(self, task: str) -> dict[str, Tensor]:
        return {
            f"layers.{layer}.{_LOCATIONS.get(location, location)}.{name}": tensor
            for layer, modules in self._base.get_adapter(task).items()
            for location, module in modules.items()
            for name, tensor in module.state_dict().items()
        }

    def _carry(self, task: str) -> None:
        if task not in self._tasks:
            self._tasks.append(task)

    def _own_weights(self) -> Iterator[tuple[str, Tensor]]:
        # Parameters are told apart by identity: the library registers the word embeddings a second time.
        passed = {id(parameter) for task in self._tasks for parameter in self.parameters_of(task)}
        for name, tensor in self._base.state_dict(keep_vars=True).items():
            if id(tensor) not in passed:
                passed.add(id(tensor))
                yield name, tensor.detach()
