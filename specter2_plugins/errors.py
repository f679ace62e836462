"""Every error this package raises on purpose, so that a caller can catch them in one place."""

from __future__ import annotations

_LONGEST = 1000
_BEGINNING = 700


def brief(text: str) -> str:
    """Return a text on one line, without its middle where it is very long: what it quotes may be a whole file."""
    line = " ".join(text.split("\n")) if "\n" in text else text
    return line if len(line) <= _LONGEST else f"{line[:_BEGINNING]} [...] {line[_BEGINNING - _LONGEST :]}"


def one_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its name if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class Specter2Error(ValueError):
    """Base of this package's errors. The message says what was wrong, where, and what to do, on one short line."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(brief(arg) if isinstance(arg, str) else arg for arg in args))


class PaperError(Specter2Error):
    """A record that cannot be embedded: wrong types, no text, or text no tokenizer accepts."""


class BlankError(PaperError):
    """A record that holds no text at all, so that there is nothing to embed."""


class TaskError(Specter2Error):
    """A task that the loaded model does not know."""


class AdapterError(Specter2Error):
    """An adapter whose configuration or weights do not fit, or that this package cannot run."""


class CheckpointError(Specter2Error):
    """A model name or folder that cannot be turned into a base and its adapters."""


class SourceError(Specter2Error):
    """A service or program that papers come from cannot be reached, or refuses."""


class StoreError(Specter2Error):
    """A vector store or collection that cannot be used as asked."""


class FilterError(Specter2Error):
    """A filter that cannot be read."""


class WorkerError(Specter2Error):
    """A process that embeds has died, or a machine that it ran on."""


class TrainingError(Specter2Error):
    """A training run whose tasks, settings or folder cannot be used as asked."""


class EvaluationError(Specter2Error):
    """A data set, to train on or to evaluate with, that cannot be read or measured."""


class MissingExtraError(ImportError):
    """An optional dependency is not installed. The message holds the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"The package '{package}' is needed for this. Install it with: pip install 'specter2-plugins[{extra}]'",
            name=package,
        )
