"""Configurations that would have a library fetch and run somebody's code: refused before one is read.

transformers takes a kernel's repository for the name of an attention and imports it, trust_remote_code or not:
CVE-2026-4372 in 4.56 to 5.2 for one field of config.json, and later versions for what Sentence Transformers' settings
pass on. It needs the package `kernels`, which is none of ours.
"""

from __future__ import annotations

from typing import Any

from specter2_plugins.errors import CheckpointError

_IMPLEMENTATION = "_implementation"
_ACTIVATIONS = ("torch.nn.", "sentence_transformers.")
_SWITCHES = ("trust_remote_code", "use_kernels")


def refuse_code(config: Any, where: str) -> None:
    """Raise if a configuration, or whatever lies in it, names code that is neither a library's nor ours.

    Args:
        config: What JSON held.
        where: What to call it.

    Raises:
        CheckpointError: Naming the setting.
    """
    waiting = [("", config)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            # What is chosen for each part of a model is below the setting's name.
            waiting += [(name if _IMPLEMENTATION in name else str(key), part) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(name, part) for part in value]
        elif _IMPLEMENTATION in name and isinstance(value, str) and "/" in value:
            raise CheckpointError(f"{where}: {name} names {value!r:.80}, code on the hub; it is not run")
        elif name == "activation_function" and "." in str(value) and not str(value).startswith(_ACTIVATIONS):
            # A class, in whose place Sentence Transformers would compute another one.
            raise CheckpointError(f"{where}: {name} names {value!r:.80}, which is not part of PyTorch; it is not run")
        elif name in _SWITCHES and value:
            raise CheckpointError(f"{where}: {name} asks for foreign code, which is not run; take the setting out")
