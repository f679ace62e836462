"""What became of the papers."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

_CONFLICTS = 100


@dataclass
class IngestReport:
    """Counts of one run; at its end read = ingested + unchanged + duplicate + rejected.

    Args:
        read: Records taken from the source.
        ingested: Papers that the store has acknowledged.
        embedded: Papers that were embedded; of the other ingested ones the text was there, and only the rest written.
        unchanged: Papers that were there already, as they are.
        duplicate: Papers that came earlier in the same run: the same id and title, or DOI and title, or title alone.
        conflict: Papers whose id was another paper's earlier in the same run, and that are kept beside it.
        rejected: Records that are no papers, or that no collection can hold.
        unnamed: Those of them that have no id.
        filled: Papers that were there, and were given vectors which were added to their collection.
        deleted: Papers removed because they have left the source.
        sourceless: Papers that have not been deleted because they know no source: an older version ingested them.
        foreign: Points that have not been deleted because something else than an ingestion made them.
        tokens: Tokens embedded.
        encoding_seconds: Time spent embedding.
        seconds: Time in all.
    """

    read: int = 0
    ingested: int = 0
    embedded: int = 0
    unchanged: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    unnamed: int = 0
    filled: int = 0
    deleted: int = 0
    sourceless: int = 0
    foreign: int = 0
    tokens: int = 0
    encoding_seconds: float = 0.0
    seconds: float = 0.0
    _total: float | None = field(default=None, init=False, repr=False, compare=False)
    _conflicts: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @property
    def conflicts(self) -> list[str]:
        """The first conflicts, each with its id and both titles, in words."""
        return list(self._conflicts)

    @property
    def total(self) -> float | None:
        """About how many records there are in all; None where they are read without telling."""
        return self._total

    def expect(self, total: float | None) -> None:
        """Take note of how many records there are in all, as far as it is known."""
        self._total = total

    @property
    def done(self) -> int:
        """Records that there is nothing left to do for."""
        return self.ingested + self.unchanged + self.duplicate + self.rejected

    def add(self, **counts: float) -> None:
        """Add to some counts; threads may do so at once."""
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def add_conflicts(self, conflicts: list[str]) -> None:
        """Count conflicts, and keep the first ones."""
        self.add(conflict=len(conflicts))
        self.keep_conflicts(conflicts)

    def keep_conflicts(self, conflicts: list[str]) -> None:
        """Keep the first of conflicts that are counted already."""
        self._conflicts += conflicts[: _CONFLICTS - len(self._conflicts)]

    def sum(self) -> str:
        """Return the counts that add up, in words."""
        metadata_only = self.ingested - self.embedded
        parts = [
            f"ingested {self.ingested}" + (f" ({metadata_only} only in their metadata)" if metadata_only else ""),
            f"unchanged {self.unchanged}",
            f"duplicate {self.duplicate}",
            f"rejected {self.rejected}",
        ]
        return f"read {self.read} = {' + '.join(parts)}"

    def to_dict(self) -> dict[str, int | float]:
        """Return the counts by name."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}
