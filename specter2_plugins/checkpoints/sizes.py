"""Configurations that ask for more than any model has: refused before a library makes it.

transformers makes each layer, and an entry for each label, before it looks at the weights: one number in a small file
would take all memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specter2_plugins.errors import CheckpointError

_MOST_LAYERS = 1000
_MOST = 2**20
"""Of whatever else is counted, such as labels; vocabularies and positions stay far below it."""


def refuse_excess(config: Any, where: str) -> None:
    """Raise if a configuration, or whatever lies in it, asks for more than any model has.

    Args:
        config: What JSON held.
        where: What to call it.

    Raises:
        CheckpointError: Naming the setting.
    """
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [part for part in value if isinstance(part, dict | list)]
        elif isinstance(value, dict):
            waiting += [part for part in value.values() if isinstance(part, dict | list)]
            for name, number in value.items():
                if isinstance(number, int | float) and number > _most(name):
                    raise CheckpointError(
                        f"{where}: {name} is {number!r:.30}, and no model has more than {_most(name)}"
                    )


def refuse_length(config: Any, where: str) -> None:
    """Raise unless the number of tokens that a configuration cuts texts at, if it names one, can be one.

    Raises:
        CheckpointError: Naming the setting.
    """
    length = config.get("max_seq_length")
    if length is not None and (not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= _MOST):
        raise CheckpointError(f"{where}: max_seq_length is {length!r:.30}, expected a number of tokens")


def refuse_matrix(folder: Path, config: Any) -> None:
    """Raise if a module asks for a matrix that its folder has no weights for.

    Raises:
        CheckpointError: Naming the folder.
    """
    rows, columns = config.get("in_features"), config.get("out_features")
    if isinstance(rows, int) and isinstance(columns, int):
        held = sum(path.stat().st_size for path in folder.glob("*") if path.suffix in (".safetensors", ".bin"))
        if rows * columns > held:
            raise CheckpointError(f"{folder} asks for {rows} x {columns} weights, and holds {held:,} bytes of them")


def _most(name: str) -> float:
    if name.endswith(("layers", "n_layer")):
        return _MOST_LAYERS
    return _MOST if name.startswith(("num_", "n_")) else float("inf")
