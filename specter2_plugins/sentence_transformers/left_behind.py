"""Which adapters a base has left behind: it was trained since they came, and they were not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

_PROBES = 16

Weights = Mapping[str, Tensor]
_Probe = dict[str, tuple[float, ...]]


def probe(weights: Weights) -> _Probe:
    """Return some values of each tensor, from all over it; the same on every device."""
    return {
        name: tuple(tensor.detach().reshape(-1)[:: max(1, tensor.numel() // _PROBES)].tolist())
        for name, tensor in weights.items()
    }


@dataclass
class Moves:
    """What a base and its adapters were when the adapters came."""

    _origins: dict[str, tuple[_Probe, _Probe]] = field(default_factory=dict)

    def remember(self, task: str, base: Weights, adapter: Weights) -> None:
        """Take the adapter of a task as one that fits the base as it is now."""
        self._origins[task] = probe(base), probe(adapter)

    def left_behind(self, base: Weights, adapters: Mapping[str, Weights]) -> list[str]:
        """Return the tasks whose adapters are what they were beside a base that is not."""
        now = probe(base)
        return [
            task
            for task, adapter in adapters.items()
            if task in self._origins and self._origins[task][0] != now and self._origins[task][1] == probe(adapter)
        ]
