"""The pipeline: read, leave out what is there already, embed, write, all at the same time.

A thread reads and prepares, a second one asks the store what it has, the calling thread embeds, and others write. The
queues between them are short, so memory stays flat; and since every point's id and hashes follow from the paper alone,
a run that was cut off goes on by being started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase
from qdrant_client.local.qdrant_local import QdrantLocal

from specter2_plugins.errors import StoreError
from specter2_plugins.paper_encoder import PaperEncoder
from specter2_plugins.papers import Paper
from specter2_plugins.qdrant.collection import adapters_of, ensure_indexes, prepare_collection
from specter2_plugins.qdrant.faults import STORE_ERRORS, Retries
from specter2_plugins.qdrant.ingestion.ahead import ahead
from specter2_plugins.qdrant.ingestion.changes import Changes, changes, unseen
from specter2_plugins.qdrant.ingestion.embedder import Embedder
from specter2_plugins.qdrant.ingestion.idset import IdSet
from specter2_plugins.qdrant.ingestion.indexing import (
    defer_indexing,
    is_deferred,
    resume_indexing,
    wait_for_index,
)
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.ingestion.uploads import Uploads, in_requests
from specter2_plugins.qdrant.points import Entry
from specter2_plugins.qdrant.spec import CollectionSpec
from specter2_plugins.readers.records import Rejected
from specter2_plugins.sparse import load_sparse

BATCH = 256
"""Papers that are compared with the store, and embedded, at once: enough to sort them into batches of like length."""
_BATCHES_AHEAD = 4
_SCROLL = 1000


def ingest_papers(
    records: Iterable[Paper | Rejected],
    client: QdrantBase,
    model: PaperEncoder,
    spec: CollectionSpec = CollectionSpec(),
    *,
    bulk: bool = False,
    delete_missing: bool = False,
    dry_run: bool = False,
    streams: int = 2,
    batch: int | None = None,
    retries: Retries | None = None,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
) -> IngestReport:
    """Embed papers and write them into a collection, which is made if it is not there.

    Papers that the collection holds as they are cost one lookup; of those whose text it holds only the metadata is
    written. So the same call, repeated, adds nothing, and after a run that was cut off it goes on.

    Args:
        records: The papers; read as they are needed. A `Rejected` among them is counted.
        client: An open client.
        model: The model.
        spec: The collection.
        bulk: Have Qdrant build its search graph at the end instead of all along, and wait for it.
        delete_missing: At the end remove the papers that are not among the records.
        dry_run: Only count what would be done.
        streams: How many requests may be under way to the store at once.
        batch: Papers that are embedded at once. Default: 256; for several workers, as many for each.
        retries: How a failed request is repeated.
        on_progress: Called with the counts so far, after every batch.

    Returns:
        The counts.

    Raises:
        PaperError: If the metadata of a paper cannot be stored.
        StoreError: If the collection holds other vectors, or everything would be deleted.
        TaskError: If the model does not know a task of the spec.
        Exception: What the store raised at the last try. Whatever it has acknowledged stays.
    """
    started = time.monotonic()
    report = IngestReport()
    # The wish to give up is this run's own; the next one may use the same settings.
    retries = replace(retries or Retries(), given_up=Event())
    sparse = [load_sparse(name) for name in spec.sparse]
    exists = retries(client.collection_exists, spec.name)
    if exists or not dry_run:
        retries(prepare_collection, client, spec, model, sparse)
    # Qdrant's local mode is plain Python objects: no use to several threads, and without payload indexes.
    local = isinstance(client, QdrantClient) and isinstance(client._client, QdrantLocal)
    if not local and not dry_run:
        retries(ensure_indexes, client, spec)
    seen = IdSet()
    steps: Generator[Changes, None, None]
    batches = ahead(unseen(records, BATCH, seen, report), _BATCHES_AHEAD)
    if exists:
        steps = changes(batches, client, spec.name, retries, report)
        steps = steps if local else ahead(steps, _BATCHES_AHEAD)
    else:
        steps = (Changes(embed=batch) for batch in batches)
    run = _Run(client, spec, batch or BATCH, retries, report, on_progress)
    embedder = Embedder(model, adapters_of(spec, model), sparse, report, on_progress=lambda: on_progress(report))
    try:
        with closing(steps):
            if dry_run:
                run.count(steps)
            else:
                with run.indexing(bulk), Uploads(client, spec.name, retries, 0 if local else streams) as uploads:
                    run.write(steps, embedder, uploads)
        if delete_missing and exists:
            run.delete_all_but(seen, dry_run)
    finally:
        retries.given_up.set()
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report


@dataclass(frozen=True)
class _Run:
    client: QdrantBase
    spec: CollectionSpec
    batch: int
    retries: Retries
    report: IngestReport
    on_progress: Callable[[IngestReport], object]

    def count(self, steps: Iterable[Changes]) -> None:
        """Count what would be done."""
        for step in steps:
            self.report.add(ingested=len(step.embed) + len(step.update), embedded=len(step.embed))
            self.on_progress(self.report)

    def write(self, steps: Iterable[Changes], embedder: Embedder, uploads: Uploads) -> None:
        """Do it. Papers of batches that hold little news are embedded together."""
        waiting: list[Entry] = []
        for step in steps:
            for entries in in_requests(step.update, lambda entry: entry.size):
                payloads = {entry.point: entry.payload for entry in entries}
                uploads.overwrite_payloads(payloads, partial(self.report.add, ingested=len(entries)))
            waiting += step.embed
            while len(waiting) >= self.batch:
                self._embed(waiting[: self.batch], embedder, uploads)
                del waiting[: self.batch]
            self.on_progress(self.report)
        if waiting:
            self._embed(waiting, embedder, uploads)

    def _embed(self, entries: list[Entry], embedder: Embedder, uploads: Uploads) -> None:
        for points in in_requests(embedder.points(entries), lambda point: point.size):
            structs = [point.struct for point in points]
            uploads.upsert(structs, partial(self.report.add, ingested=len(points)))

    def delete_all_but(self, seen: IdSet, dry_run: bool) -> None:
        """Remove the points that are not in a set.

        Raises:
            StoreError: If the set is empty, or it cannot be told what has left the source.
        """
        if not len(seen):
            raise StoreError(f"there were no papers, so every paper of {self.spec.name!r} would be deleted")
        if self.report.unnamed:
            raise StoreError(
                f"nothing is deleted: {self.report.unnamed} rejected records have no id, so papers that seem to have "
                "left the source may be among them. Everything else is done; mend them and run the same again"
            )
        offset = None
        while True:
            records, offset = self.retries(
                self.client.scroll,
                self.spec.name,
                limit=_SCROLL,
                offset=offset,
                with_payload=False,
                with_vectors=False,
            )
            points = [str(record.id) for record in records]
            there = seen.holds(points)
            gone: list[models.ExtendedPointId] = [
                point for point, is_there in zip(points, there, strict=True) if not is_there
            ]
            if gone and not dry_run:
                self.retries(self.client.delete, self.spec.name, models.PointIdsList(points=gone), wait=True)
            self.report.add(deleted=len(gone))
            self.on_progress(self.report)
            if offset is None:
                return

    @contextmanager
    def indexing(self, bulk: bool) -> Iterator[None]:
        """Have the search graph built at the end; after a bulk run that was cut off, too."""
        name = self.spec.name
        if bulk:
            defer_indexing(self.client, name, self.retries)
        elif not is_deferred(self.client, name, self.retries):
            yield
            return
        try:
            yield
        except BaseException:
            # The collection must not be left without a graph, but a store that is gone is not waited for.
            with suppress(*STORE_ERRORS):
                resume_indexing(self.client, name, replace(self.retries, attempts=1))
            raise
        resume_indexing(self.client, name, self.retries)
        wait_for_index(self.client, name, self.retries)
