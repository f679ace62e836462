"""The papers that have left their source: found, counted, asked about, and only then removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.papers.points import HASHES_KEY, SOURCES, made_of, sources_of
from specter2_plugins.pipeline.ingestion.uploads import Uploads
from specter2_plugins.pipeline.intake import Intake
from specter2_plugins.store.faults import Retries

Confirm = Callable[[int, int], bool]
"""Says whether so many papers, of so many that a source has in a collection, are to be removed."""

_SCROLL = 1000
_ASKED_AT_ONCE = 256
_UNASKED_SHARE = 10
_SHOWN = 3


@dataclass
class _Page:
    """Some points of a collection.

    Args:
        gone: Those that only this run's sources brought, and bring no more.
        left: Those that other sources bring too -> what is to be said of them: only these sources.
        belonging: How many belong to this run's sources.
        sourceless: How many know no source.
        foreign: How many were made by something else than an ingestion.
    """

    gone: list[Any] = field(default_factory=list)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)
    belonging: int = 0
    sourceless: int = 0
    foreign: int = 0


@dataclass(frozen=True)
class Missing:
    """What has left the sources of a run that has read all of them.

    Args:
        client: An open client.
        collection: The collection.
        retries: How a failed request is repeated.
        intake: What the run took in.
        adopt: Whether papers that know no source count as this run's.
    """

    client: QdrantBase
    collection: str
    retries: Retries
    intake: Intake
    adopt: bool

    def remove(self, confirm: Confirm | None, dry_run: bool, on_progress: Callable[[], object]) -> None:
        """Remove the papers that have left, or count them in a dry run.

        Args:
            confirm: Asked when these are more than a tenth of the sources' papers; None refuses.
            dry_run: Only count.
            on_progress: Called now and then.

        Raises:
            StoreError: If it cannot be told what has left, or it is more than a tenth and nobody could be asked.
        """
        self._check_reading()
        gone, belonging, sourceless, foreign = 0, 0, 0, 0
        for page in self._pages():
            gone, belonging = gone + len(page.gone), belonging + page.belonging
            sourceless, foreign = sourceless + page.sourceless, foreign + page.foreign
        report = self.intake.report
        report.add(sourceless=sourceless, foreign=foreign)
        if dry_run:
            report.add(deleted=gone)
            return
        if gone * _UNASKED_SHARE > belonging and not self._confirmed(confirm, gone, belonging):
            return
        with Uploads(self.client, self.collection, self.retries, streams=0) as uploads:
            for page in self._pages():
                if page.gone:
                    selected = models.PointIdsList(points=page.gone)
                    self.retries(self.client.delete, self.collection, selected, wait=True)
                uploads.set_payloads(page.left)
                report.add(deleted=len(page.gone))
                on_progress()

    def _check_reading(self) -> None:
        if not self.intake.sources:
            raise StoreError(f"there were no papers, so every paper of {self.collection!r} would be deleted")
        if self.intake.report.unnamed:
            raise StoreError(
                f"nothing is deleted: {self.intake.report.unnamed} rejected records have no id, so papers that seem to "
                "have left the source may be among them. Everything else is done; mend them and run the same again"
            )

    def _confirmed(self, confirm: Confirm | None, gone: int, belonging: int) -> bool:
        if confirm is not None:
            return confirm(gone, belonging)
        names = sorted(self.intake.sources)
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise StoreError(
            f"nothing is deleted: {gone} of the {belonging} papers of {shown} have left, more than a tenth. Everything "
            "else is done; to delete them too, run the same with --yes, in Python with confirm="
        )

    def _pages(self) -> Iterator[_Page]:
        offset = None
        while True:
            records, offset = self.retries(
                self.client.scroll,
                self.collection,
                limit=_SCROLL,
                offset=offset,
                with_payload=[HASHES_KEY],
                with_vectors=False,
            )
            yield self._page(records)
            if offset is None:
                return

    def _page(self, records: Sequence[models.Record]) -> _Page:
        page = _Page()
        # An ingestion's points have UUIDs; one with a number is somebody else's, whatever its payload says.
        ours = [record for record in records if isinstance(record.id, str) and made_of(record.payload) is not None]
        page.foreign = len(records) - len(ours)
        points = [str(record.id) for record in ours]
        known = (self.intake.seen, self.intake.rejected, self.intake.moved.found)
        there = zip(*(ids.holds(points) for ids in known), strict=True)
        for record, is_there in zip(ours, map(any, there), strict=True):
            said = made_of(record.payload) or {}
            sources = sources_of(said)
            others = [source for source in sources if source not in self.intake.sources]
            if not sources and not self.adopt and not is_there:
                page.sourceless += 1
            elif is_there or len(others) < len(sources) or not sources:
                page.belonging += 1
                if not is_there and others:
                    page.left[str(record.id)] = {HASHES_KEY: {**said, SOURCES: others}}
                elif not is_there:
                    page.gone.append(record.id)
        return page


def add_sources(client: QdrantBase, collection: str, retries: Retries, intake: Intake) -> None:
    """Tell points the sources that brought them again, after another source of the same run did."""
    with Uploads(client, collection, retries, streams=0) as uploads:
        for source, points in intake.again.items():
            ids = iter(points)
            while some := list(islice(ids, _ASKED_AT_ONCE)):
                records = retries(client.retrieve, collection, some, with_payload=[HASHES_KEY], with_vectors=False)
                known = {str(record.id): made_of(record.payload) or {} for record in records}
                # There another source's paper is; the one of this run is beside it.
                for point, was_left in zip(list(known), intake.moved.left.holds(list(known)), strict=True):
                    if was_left:
                        del known[point]
                uploads.set_payloads(
                    {
                        point: {HASHES_KEY: {**said, SOURCES: [*sources_of(said), source]}}
                        for point, said in known.items()
                        if source not in sources_of(said)
                    }
                )
