"""Reading the files a command was given, with the rejected records counted and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from specter2_plugins.cli.console import errors
from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.readers import Rejected, read_papers

_SHOWN = 5


@dataclass
class Source:
    """The papers of several files.

    Args:
        files: The files, read one after the other.
        format: Their format, or None to find it out.
        rejects: Where to write rejected records as JSON lines, or None.
        rejected: How many records were rejected so far.
    """

    files: list[Path]
    format: str | None = None
    rejects: Path | None = None
    rejected: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Paper]:
        if self.rejects is not None:
            self.rejects.write_text("", encoding="utf-8")
        for file in self.files:
            yield from read_papers(file, self.format, self._reject)

    def require_papers(self, read: int) -> None:
        """Raise if there was nothing to do.

        Raises:
            PaperError: If no record was a paper.
        """
        if read == 0:
            raise PaperError(f"no papers in {', '.join(map(str, self.files))} ({self.rejected} records rejected)")

    def _reject(self, record: Rejected) -> None:
        self.rejected += 1
        if self.rejected <= _SHOWN:
            errors.print(f"rejected {record}")
        elif self.rejected == _SHOWN + 1:
            errors.print("rejected more; --rejects FILE keeps them all")
        if self.rejects is not None:
            with self.rejects.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
