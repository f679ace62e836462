"""What goes wrong while a checkpoint is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter2_plugins.errors import CheckpointError, MissingExtraError, Specter2Error


@contextmanager
def naming(name: str, hint: str = "") -> Iterator[None]:
    """Turn what transformers, PEFT and their file readers raise about a checkpoint into one line with its name.

    Args:
        name: Of the checkpoint, or of the file.
        hint: What else there is to say of it.

    Raises:
        CheckpointError: Instead of what was raised, unless that is an error of ours.
        MissingExtraError: As it was raised.
    """
    try:
        yield
    except (Specter2Error, MissingExtraError):
        raise
    except Exception as error:  # foreign files make their readers raise anything
        raise CheckpointError(f"cannot load {name!r}: {_told(error)}{'; ' if hint else ''}{hint}") from error


def _told(error: Exception) -> str:
    """Return what an error says in one line, with its kind where that says more than the words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines[: 2 if lines[:1] and lines[0].endswith(":") else 1])
    return said if isinstance(error, OSError | ValueError) and said else f"{said} ({type(error).__name__})".strip()
