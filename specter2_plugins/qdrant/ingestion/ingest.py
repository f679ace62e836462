"""The pipeline: read, leave out what is there already, embed, write, all at the same time.

A thread reads and prepares, a second one asks the store what it has, the calling thread embeds, and others write. The
queues between them are short, so memory stays flat; and since every point's id and hashes follow from the paper alone,
a run that was cut off goes on by being started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import compress
from threading import Event

from qdrant_client import QdrantClient, models
from qdrant_client.client_base import QdrantBase
from qdrant_client.local.qdrant_local import QdrantLocal

from specter2_plugins.errors import StoreError
from specter2_plugins.paper_encoder import PaperEncoder
from specter2_plugins.papers import Paper
from specter2_plugins.qdrant.collection import adapters_of, ensure_indexes, prepare_collection
from specter2_plugins.qdrant.faults import Retries
from specter2_plugins.qdrant.ingestion.ahead import ahead
from specter2_plugins.qdrant.ingestion.changes import Changes, changes, unseen
from specter2_plugins.qdrant.ingestion.embedder import Embedder
from specter2_plugins.qdrant.ingestion.idset import IdSet
from specter2_plugins.qdrant.ingestion.indexing import indexing
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.ingestion.uploads import Uploads
from specter2_plugins.qdrant.points import Entry
from specter2_plugins.qdrant.spec import CollectionSpec
from specter2_plugins.readers.records import Rejected
from specter2_plugins.sparse import SparseEncoder, load_sparse

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
    seen, rejected = IdSet(), IdSet()
    steps: Generator[Changes, None, None]
    batches = ahead(unseen(records, BATCH, seen, report, rejected), _BATCHES_AHEAD)
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
                with (
                    indexing(client, spec.name, retries, bulk),
                    Uploads(client, spec.name, retries, 0 if local else streams) as uploads,
                ):
                    run.write(steps, embedder, uploads)
        if delete_missing and exists:
            run.delete_all_but((seen, rejected), dry_run)
    finally:
        retries.given_up.set()
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report


def ingest_batch(
    entries: Sequence[Entry],
    client: QdrantBase,
    model: PaperEncoder,
    spec: CollectionSpec,
    sparse: Sequence[SparseEncoder],
    retries: Retries,
    report: IngestReport,
) -> None:
    """Embed a batch of papers and write them into a collection that is there, but for what it holds already.

    Args:
        entries: Papers, none of them twice.
        client: An open client.
        model: What embeds them.
        spec: The collection.
        sparse: The encoders of its sparse vectors.
        retries: How a failed request is repeated.
        report: Where they are counted.
    """
    embedder = Embedder(model, adapters_of(spec, model), sparse, report, on_progress=lambda: None)
    run = _Run(client, spec, max(1, len(entries)), retries, report, lambda report: None)
    with Uploads(client, spec.name, retries, streams=1) as uploads:
        run.write(changes([entries], client, spec.name, retries, report), embedder, uploads)


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
            uploads.overwrite_payloads({entry.point: entry.payload for entry in step.update}, self._acknowledged)
            waiting += step.embed
            while len(waiting) >= self.batch:
                uploads.upsert(embedder.points(waiting[: self.batch]), self._acknowledged)
                del waiting[: self.batch]
            self.on_progress(self.report)
        if waiting:
            uploads.upsert(embedder.points(waiting), self._acknowledged)

    def _acknowledged(self, count: int) -> None:
        self.report.add(ingested=count)

    def delete_all_but(self, known: Sequence[IdSet], dry_run: bool) -> None:
        """Remove the points that are in none of some sets.

        Raises:
            StoreError: If the sets are empty, or it cannot be told what has left the source.
        """
        if not any(map(len, known)):
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
            points = [record.id for record in records]
            # Papers have UUIDs; a point with a number is none of them.
            named = [str(point) for point in points if not isinstance(point, int)]
            there = {point for ids in known for point in compress(named, ids.holds(named))}
            gone = [point for point in points if str(point) not in there]
            if gone and not dry_run:
                self.retries(self.client.delete, self.spec.name, models.PointIdsList(points=gone), wait=True)
            self.report.add(deleted=len(gone))
            self.on_progress(self.report)
            if offset is None:
                return
