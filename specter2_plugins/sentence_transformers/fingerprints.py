"""What a model's vectors are made with, taken from its weights once for as long as they stay the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from specter2_plugins import fingerprint
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.sentence_transformers.adapter_transformer import AdapterTransformer
from specter2_plugins.tasks import BASE, route

_PROBES = 16


class Fingerprints:
    """Fingerprints of a model, which remember the hash of weights that have not changed since."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Any, ...], str]] = {}

    def of(self, transformer: AdapterTransformer, later: Sequence[nn.Module], task: str | None = None) -> Fingerprint:
        """Take the fingerprint of what a model of some modules makes of a text of a task.

        Args:
            transformer: The first module.
            later: The modules after it.
            task: As for `route`.

        Raises:
            TaskError: If the model does not know the task.
        """
        adapter = route(task, transformer.adapter_tasks)
        weights = dict(transformer.adapters.base_state_dict())
        for position, module in enumerate(later):
            weights |= module.state_dict(prefix=f"{position}.")
        if adapter is not None:
            weights |= {f"adapter.{name}": tensor for name, tensor in transformer.adapters.state_of(adapter).items()}
        return Fingerprint(
            base=str(transformer.model.config.name_or_path),
            adapter=adapter or BASE,
            weights=self._digest(adapter or BASE, weights),
            pooling=" > ".join(map(_describe, later)),
            dtype=str(transformer.model.dtype).removeprefix("torch."),
            template=f"title{transformer.sep_token}abstract",
            max_tokens=transformer.max_seq_length or 0,
        )

    def _digest(self, adapter: str, weights: Mapping[str, Tensor]) -> str:
        state = _state(weights)
        known = self._known.get(adapter)
        if known is not None and known[0] == state:
            return known[1]
        digest = fingerprint.digest(weights)
        self._known[adapter] = state, digest
        return digest


def _state(weights: Mapping[str, Tensor]) -> tuple[Any, ...]:
    """Return what differs after weights were trained, replaced, cast, moved or edited.

    PyTorch counts the edits of a tensor, but neither those through `.data` nor any of an inference tensor; values
    taken from all over it tell those.
    """
    return tuple(
        (
            name,
            tensor.data_ptr(),
            tuple(tensor.shape),
            tensor.dtype,
            -1 if tensor.is_inference() else tensor._version,
            tuple(tensor.detach().reshape(-1)[:: max(1, tensor.numel() // _PROBES)].tolist()),
        )
        for name, tensor in weights.items()
    )


def _describe(module: nn.Module) -> str:
    name = type(module).__name__
    mode = getattr(module, "pooling_mode", None)
    return name if mode is None else f"{name}({mode})"
