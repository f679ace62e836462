"""A run cut into pieces of work for many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specter2_plugins.errors import Specter2Error
from specter2_plugins.pipeline.intake import Intake, Record
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.readers import ReadingProgress, Rejected, read_records

Planner = Callable[[Iterable[Record], Intake], Iterator[Any]]
"""Makes work of records, which are taken in by something that counts what is left out."""


@dataclass(frozen=True)
class SourceFiles:
    """What is read, on the machine where the run is started.

    Args:
        files: Files and patterns.
        format: Their format, or None to find it out.
        fields: Which field is what.
        source: What brings the papers; by default each one's file.
    """

    files: Sequence[str | Path]
    format: str | None = None
    fields: Mapping[str, str] | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        # The process that reads has another working directory.
        object.__setattr__(self, "files", [Path(file).absolute() for file in self.files])


@dataclass
class Piece:
    """Work for an actor, what was counted since the piece before, and about how many records there are in all."""

    work: Any
    counts: dict[str, float]
    total: float | None
    rejected: list[Rejected] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def pieces(sources: SourceFiles, plan: Planner) -> Iterator[Piece | Specter2Error]:
    """Cut the records into pieces of work, each with what was counted and rejected on the way to it.

    What cannot be read comes as the last piece, as an error.
    """
    report, before, told = IngestReport(), IngestReport().to_dict(), 0
    rejected: list[Rejected] = []
    intake = Intake(report, sources.source, on_reject=rejected.append)
    progress = ReadingProgress()

    def piece(work: Any) -> Piece:
        nonlocal before, told
        now = report.to_dict()
        counts = {name: count - before[name] for name, count in now.items()}
        before = now
        taken, rejected[:] = list(rejected), []
        conflicts = report.conflicts[told:]
        told += len(conflicts)
        return Piece(work, counts, progress.total(report.read), taken, conflicts)

    try:
        for work in plan(read_records(sources.files, sources.format, sources.fields, progress), intake):
            yield piece(work)
    except Specter2Error as error:
        yield error
    else:
        yield piece(None)
