"""What a vector was made with, so that vectors of different models are never compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


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

    def to_dict(self) -> dict[str, str | int]:
        """Return the fingerprint as JSON would hold it."""
        return asdict(self)

    def differences(self, stored: dict[str, str | int]) -> list[str]:
        """Return what differs from a stored fingerprint, one line a field.

        The base's name is for the reader alone: one model can lie in two folders.
        """
        return [
            f"{name}: {stored.get(name)!r} there, {value!r} here"
            for name, value in self.to_dict().items()
            if name != "base" and stored.get(name) != value
        ]


def digest(weights: Mapping[str, torch.Tensor]) -> str:
    """Return SHA-256 over the names, shapes, precisions and values of weights."""
    # Fingerprints are compared where nothing is embedded, and torch is not to be brought in there.
    import torch

    sha = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        sha.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        sha.update(tensor.flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()
