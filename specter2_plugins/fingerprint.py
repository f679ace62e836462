"""What a vector was made with, so that vectors of different models are never compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from specter2_plugins.tasks import BASE, route

if TYPE_CHECKING:
    import torch
    from torch import nn

    from specter2_plugins.sentence_transformer import Specter2


@dataclass(frozen=True)
class Fingerprint:
    """The parts of a model that its vectors depend on.

    Args:
        base: The base's name.
        adapter: The adapter's task, or "base".
        weights: SHA-256 over the names, shapes and values of all weights that an input meets.
        pooling: The modules after the transformer.
        dtype: The precision of the weights.
        template: How title and abstract become one text.
        max_tokens: Where longer texts are cut.
    """

    base: str
    adapter: str
    weights: str
    pooling: str
    dtype: str
    template: str
    max_tokens: int

    @classmethod
    def of(cls, model: Specter2, task: str | None = None) -> Fingerprint:
        """Take the fingerprint of what `model.encode(..., task=task)` returns.

        Raises:
            TaskError: If the model does not know the task.
        """
        transformer = model.transformer
        adapter = route(task, transformer.adapter_tasks)
        later = list(model)[1:]
        weights = dict(transformer.adapters.base_state_dict())
        for position, module in enumerate(later):
            weights |= module.state_dict(prefix=f"{position}.")
        if adapter is not None:
            weights |= {f"adapter.{name}": tensor for name, tensor in transformer.adapters.state_of(adapter).items()}
        return cls(
            base=str(transformer.model.config.name_or_path),
            adapter=adapter or BASE,
            weights=digest(weights),
            pooling=" > ".join(map(_describe, later)),
            dtype=str(model.dtype).removeprefix("torch."),
            template=f"title{transformer.sep_token}abstract",
            max_tokens=model.max_seq_length or 0,
        )

    def to_dict(self) -> dict[str, str | int]:
        """The fingerprint as JSON would hold it."""
        return asdict(self)

    def differences(self, stored: dict[str, str | int]) -> list[str]:
        """What differs from a stored fingerprint, one line a field.

        The base's name is for the reader alone: one model can lie in two folders.
        """
        return [
            f"{name}: {stored.get(name)!r} there, {value!r} here"
            for name, value in self.to_dict().items()
            if name != "base" and stored.get(name) != value
        ]


def _describe(module: nn.Module) -> str:
    name = type(module).__name__
    mode = getattr(module, "pooling_mode", None)
    return name if mode is None else f"{name}({mode})"


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over the names, shapes, precisions and values of weights."""
    # Fingerprints are compared where nothing is embedded, and torch is not to be brought in there.
    import torch

    sha = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        sha.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        sha.update(tensor.flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()
