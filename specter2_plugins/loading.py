"""What goes wrong while a checkpoint is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from specter2_plugins.errors import CheckpointError, Specter2Error, one_line


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
    # An AssertionError is what torch raises about a device that it was not built for.
    except (OSError, ValueError, KeyError, RuntimeError, AssertionError, SafetensorError) as error:
        raise CheckpointError(f"cannot load {name!r}: {one_line(error)}") from error
