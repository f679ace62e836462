"""Reading the sources a command was given, with the rejected records counted and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

import typer

from specter2_plugins.cli.console import errors
from specter2_plugins.errors import PaperError, Specter2Error
from specter2_plugins.papers import Paper
from specter2_plugins.printable import to_json
from specter2_plugins.readers import ReadingProgress, Rejected, read_records
from specter2_plugins.writers.files import writing

_SHOWN = 5
_NOTES = 20


@dataclass
class Source:
    """The papers of several files, patterns or stdin.

    Args:
        files: What to read, one after the other; "-" is stdin.
        format: Their format, or None to find it out.
        fields: Which field is what, each as "title=dc:title".
        rejects: Where to write rejected records as JSON lines, or None.
        encoding: Of their text, or None to find it out.
        rejected: How many records were rejected so far.
    """

    files: Sequence[Path]
    format: str | None = None
    fields: Sequence[str] | None = None
    rejects: Path | None = None
    encoding: str | None = None
    rejected: int = field(default=0, init=False)
    progress: ReadingProgress = field(default_factory=ReadingProgress, init=False)

    def __iter__(self) -> Iterator[Paper]:
        with self.keeping() as keep:
            for record in self.records():
                if isinstance(record, Rejected):
                    keep(record)
                else:
                    yield record

    def records(self) -> Iterator[Paper | Rejected]:
        """Return the papers, and between them the records that are none; whoever takes them keeps these."""
        read = read_records(self.files, self.format, self.mapping, self.progress, self.encoding)
        return chain(read, self._say_notes())

    @contextmanager
    def keeping(self, shown: int = _SHOWN) -> Iterator[Callable[[Rejected], None]]:
        """Give a function that counts a rejected record, shows the first ones, and keeps it."""
        with ExitStack() as stack:
            kept: IO[str] | None = None
            if self.rejects is not None:
                stack.enter_context(_naming(self.rejects))
                # Also of a run that fails: what it rejected may be why.
                kept = stack.enter_context(writing(self.rejects, keep=True))
            yield lambda record: self._take(record, kept, shown)

    @property
    def mapping(self) -> dict[str, str]:
        """The fields, by our names."""
        return named_fields(self.fields or ())

    def total(self, read: int) -> float | None:
        """Return about how many records the files hold, of which some were read; None where it cannot be told."""
        return self.progress.total(read)

    def finished(self) -> None:
        """Take note that all of it is stored."""

    def require_papers(self, read: int) -> None:
        """Raise if there was nothing to do.

        Raises:
            PaperError: If no record was a paper.
        """
        if read == 0:
            raise PaperError(f"no papers in {', '.join(map(str, self.files))} ({self.rejected} records rejected)")

    def _say_notes(self) -> Iterator[Rejected]:
        """Say what is worth knowing of the files, once they are read."""
        for note in self.progress.notes[:_NOTES]:
            errors.print(f"note: {note}")
        yield from ()

    def _take(self, record: Rejected, kept: IO[str] | None, shown: int) -> None:
        self.rejected += 1
        if self.rejected <= shown:
            errors.print(f"rejected {record}")
        elif self.rejected == shown + 1:
            errors.print("rejected more; --rejects FILE keeps them all")
        if kept is not None:
            kept.write(to_json(asdict(record)) + "\n")


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Say which file cannot be written, since other files are open too."""
    try:
        yield
    except OSError as error:
        raise Specter2Error(f"cannot write {file}: {error.strerror}") from None


def named_fields(fields: Sequence[str]) -> dict[str, str]:
    """Return `title=dc:title` as a key and its value."""
    pairs = [entry.partition("=") for entry in fields]
    for name, _, key in pairs:
        if not name or not key:
            raise typer.BadParameter(
                f"{name!r} is not of the form NAME=KEY, such as title=dc:title", param_hint="--field"
            )
    return {name.strip(): key.strip() for name, _, key in pairs}
