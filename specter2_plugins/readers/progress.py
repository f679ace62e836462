"""How far a reading is, and what is worth knowing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from specter2_plugins.readers.inputs import Input
from specter2_plugins.readers.stream import Stream

_MOST_NOTES = 200


class ReadingProgress:
    """Give one to `read_records`, and ask it at any time, from any thread."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._finished = 0
        self._open: Stream | None = None
        self._notes: dict[tuple[str, str], int] = {}
        self.formats: dict[str, str] = {}
        """Each source, and the name of its format."""

    @property
    def notes(self) -> list[str]:
        """What was read otherwise than one may think, with its source: the encoding, fields that are not used."""
        sources = dict.fromkeys(source for source, _ in self._notes)
        return [f"{source}: {text}" for source in sources for text in self.notes_of(source)]

    def notes_of(self, source: str) -> list[str]:
        """Return the notes of one source."""
        return [
            text + (f" ({count:,} records)" if count else "")
            for (name, text), count in self._notes.items()
            if name == source
        ]

    def note(self, source: str, text: str, count: int = 0) -> None:
        """Keep what is worth knowing of a source, or count one more record that it holds for."""
        if (source, text) in self._notes or len(self._notes) < _MOST_NOTES:
            self._notes[source, text] = self._notes.get((source, text), 0) + count

    @property
    def share(self) -> float | None:
        """The share of the sources' bytes that was read, 0 to 1; None where one is a pipe, or before it begins."""
        if not self._total:
            return None
        return min(1.0, (self._finished + (self._open.taken if self._open else 0)) / self._total)

    def total(self, read: int) -> float | None:
        """Return about how many records the sources hold, of which some were read; None where it cannot be told."""
        share = self.share
        return read / share if share and read else None

    def begin(self, inputs: Sequence[Input]) -> None:
        """Take note of what is to be read."""
        sizes = [source.size for source in inputs]
        self._total = None if None in sizes else sum(size for size in sizes if size)

    @contextmanager
    def reading(self, source: Input, stream: Stream) -> Iterator[None]:
        """Follow a source while it is read."""
        self._open = stream
        yield
        self._open = None
        self._finished += source.size or 0
