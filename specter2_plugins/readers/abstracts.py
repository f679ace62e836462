"""Abstracts that come in files of their own, found again by the id of their paper.

Semantic Scholar's abstracts are larger than memory, so they lie in a temporary SQLite file: appended as they come, and
indexed once at the end, so that the disk writes in sequence.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

_CACHE_KIB = 64 * 2**10
_NO_JOURNAL = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"


class Abstracts:
    """Abstracts by id, on disk, for as long as the `with` lasts."""

    def __enter__(self) -> Abstracts:
        self._folder = TemporaryDirectory(prefix="specter2-abstracts-", ignore_cleanup_errors=True)
        # The reader may be closed by another thread than the one that reads.
        self._database = sqlite3.connect(Path(self._folder.name) / "abstracts.sqlite", check_same_thread=False)
        self._database.executescript(
            f"{_NO_JOURNAL} PRAGMA cache_size = -{_CACHE_KIB}; CREATE TABLE abstracts (id, text)"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, identifier: str, text: str) -> None:
        """Keep the abstract of an id."""
        self._database.execute("INSERT INTO abstracts VALUES (?, ?)", (identifier, text))

    def index(self) -> None:
        """Make all that was added ready to be looked up."""
        self._database.execute("CREATE INDEX by_id ON abstracts (id)")

    def get(self, identifier: str) -> str | None:
        """Return the abstract of that id, or None."""
        found = self._database.execute("SELECT text FROM abstracts WHERE id = ?", (identifier,)).fetchone()
        return found[0] if found else None
