"""What goes wrong while a checkpoint is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from specter2_plugins.errors import CheckpointError, Specter2Error


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turn what transformers, PEFT and their file readers raise about a checkpoint into one line with its name.

    Raises:
        CheckpointError: Instead of what was raised, unless that is an error of ours.
    """
    try:
        yield
    except Specter2Error:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"cannot load {name!r}: {reason}") from error
