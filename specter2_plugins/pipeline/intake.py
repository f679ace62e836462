"""What a run takes in: records in batches, without those that are no papers, cannot be stored, or came before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import count, islice
from typing import Any

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.papers import Origin, Paper
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.papers.points import PaperPoint, id_of, point_id
from specter2_plugins.papers.values import is_row, to_record
from specter2_plugins.pipeline.identity import Moved
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.pipeline.seen import Works
from specter2_plugins.pipeline.sources import source_of
from specter2_plugins.readers.fields import field_map
from specter2_plugins.readers.records import Problem, Rejected, to_paper

Record = Paper | Mapping[str, Any] | Rejected
"""A paper, an object as a file of JSON lines has it, or what a reader rejected."""

_HERE = "records"
_LOGGED = 5

_log = logging.getLogger(__name__)


def log_first() -> Callable[[Rejected], None]:
    """Return a function that logs the first few rejected records as warnings, and then that there are more."""
    numbers = count(1)

    def log(record: Rejected) -> None:
        number = next(numbers)
        if number <= _LOGGED:
            _log.warning("rejected %s", record)
        elif number == _LOGGED + 1:
            _log.warning("rejected more; on_reject is called with each")

    return log


@dataclass
class Intake:
    """Takes records in.

    Args:
        report: Where they are counted.
        source: What brings them, if the caller named it; else each paper's file does.
        must_know_source: Refuse papers of which nobody can say what brings them.
        on_reject: Called with each record that is not stored.
        seen: The points of all papers so far.
        rejected: The points that rejected records would have been; these have not left their source.
        again: Source -> points that it brings, after another record of this run brought them.
        sources: All sources so far.
        moved: The papers that are beside another source's paper in the collection.
    """

    report: IngestReport
    source: str | None = None
    must_know_source: bool = False
    on_reject: Callable[[Rejected], object] = field(default_factory=log_first)
    seen: IdSet = field(default_factory=IdSet)
    rejected: IdSet = field(default_factory=IdSet)
    again: dict[str, IdSet] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    moved: Moved = field(default_factory=Moved)

    def __post_init__(self) -> None:
        self._source_of = lru_cache(maxsize=None)(source_of)
        self._number = 0
        self._works = Works(self.seen)

    def batches(self, records: Iterable[Record], size: int) -> Iterator[list[PaperPoint]]:
        """Yield the papers that are new in this run, of `size` records each time.

        Raises:
            StoreError: If a paper has no source and must have one.
        """
        taken = iter(records)
        while batch := list(islice(taken, size)):
            entries, new, conflicts = self._works.add([entry for entry in map(self._entry, batch) if entry is not None])
            for entry, is_new in zip(entries, new, strict=True):
                if not is_new and (source := self._known_source(entry.paper.origin)) is not None:
                    self.again.setdefault(source, IdSet()).add([entry.point])
            self.report.add_conflicts(conflicts)
            self.report.add(read=len(batch), rejected=len(batch) - len(entries), duplicate=len(entries) - sum(new))
            yield [entry for entry, is_new in zip(entries, new, strict=True) if is_new]

    def _entry(self, record: Record) -> PaperPoint | None:
        """Return what is to be stored of a record; None if it is rejected."""
        self._number += 1
        place = Origin(self.source or _HERE, self._number)
        if isinstance(record, Rejected):
            self._reject(record, partial(id_of, record.id) if record.id is not None else None)
            return None
        try:
            paper = record if isinstance(record, Paper) else _paper(record, place)
        except PaperError as error:
            named = record.get("id") if isinstance(record, Mapping) else None
            identifier = None if named is None else str(named)
            point = partial(id_of, identifier) if identifier is not None else None
            self._reject(Rejected(*place, identifier, str(error)), point)
            return None
        place = paper.origin or place
        try:
            return PaperPoint.of(paper, self._source(paper, place))
        except PaperError as error:
            identifier = None if paper.id is None else str(paper.id)
            self._reject(Rejected(*place, identifier, str(error)), partial(point_id, paper))
            return None

    def _reject(self, record: Rejected, point: Callable[[], str] | None) -> None:
        """Count a record, and remember which point it would have been."""
        if self.source is None and (source := self._source_of(record.source)) is not None:
            self.sources.add(source)
        try:
            known = point() if point is not None else None
        except PaperError:  # an id that no point can have
            known = None
        if known is None:
            self.report.add(unnamed=1)
        else:
            self.rejected.add([known])
        self.on_reject(record)

    def _source(self, paper: Paper, place: Origin) -> str | None:
        source = self._known_source(paper.origin)
        if source is not None:
            self.sources.add(source)
        elif self.must_know_source:
            raise StoreError(
                f"{place.source}:{place.line}: nobody can say what brings this paper, and so which papers have left "
                "it. Name it: source=NAME, on the command line --source NAME"
            )
        return source

    def _known_source(self, origin: Origin | None) -> str | None:
        return self.source or (self._source_of(origin.source) if origin is not None else None)


def _paper(record: Any, place: Origin) -> Paper:
    """Return the paper of an object that a caller handed over, read as a line of JSON is."""
    if not is_row(record):
        raise PaperError(f"expected a Paper, a dict or a row of a table, got {type(record).__name__}")
    row = to_record(record)
    strange = next((key for key in row if not isinstance(key, str)), None)
    if strange is not None:
        raise PaperError(f"a key is {type(strange).__name__}, expected a string")
    entry = field_map(tuple(row)).entry(place.line, row)
    if isinstance(entry, Problem):
        raise PaperError(entry.reason)
    # It was not read from a file, even if there is one of that name.
    return replace(to_paper(entry, str, place.source), origin=None)
