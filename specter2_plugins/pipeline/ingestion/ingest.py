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
from threading import Event

from qdrant_client import QdrantClient
from qdrant_client.client_base import QdrantBase
from qdrant_client.local.qdrant_local import QdrantLocal

from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.points import HASHES_KEY, PaperPoint
from specter2_plugins.pipeline.ahead import ahead
from specter2_plugins.pipeline.ingestion.changes import Changes, all_new, changes
from specter2_plugins.pipeline.ingestion.embedder import Embedder
from specter2_plugins.pipeline.ingestion.filling import fill_vectors
from specter2_plugins.pipeline.ingestion.indexing import check_bulk, indexing
from specter2_plugins.pipeline.ingestion.missing import Confirm, Missing, add_sources
from specter2_plugins.pipeline.ingestion.uploads import Uploads
from specter2_plugins.pipeline.intake import Intake, log_first
from specter2_plugins.pipeline.records import Papers, to_records
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.pipeline.sources import check_name
from specter2_plugins.readers.records import Rejected
from specter2_plugins.sparse import SparseTextEncoder, load_sparse
from specter2_plugins.store.faults import Retries
from specter2_plugins.store.history import note_sources
from specter2_plugins.store.preparation import adapters_of, ensure_indexes, prepare_collection
from specter2_plugins.store.spec import CollectionSpec

BATCH = 256
"""Papers that are compared with the store, and embedded, at once: enough to sort them into batches of like length."""
_BATCHES_AHEAD = 4


def ingest_papers(
    records: Papers,
    client: QdrantBase,
    model: PaperEncoder,
    spec: CollectionSpec | str = CollectionSpec(),
    *,
    collection: str | None = None,
    source: str | None = None,
    bulk: bool = False,
    delete_missing: bool = False,
    adopt: bool = False,
    confirm: Confirm | None = None,
    dry_run: bool = False,
    streams: int = 2,
    batch: int | None = None,
    retries: Retries | None = None,
    on_reject: Callable[[Rejected], object] | None = None,
    on_progress: Callable[[IngestReport], object] = lambda report: None,
) -> IngestReport:
    """Embed papers and write them into a collection, which is made if it is not there.

    Papers that the collection holds as they are cost one lookup; of those whose text it holds only the metadata is
    written. So the same call, repeated, adds nothing, and after a run that was cut off it goes on.

    Example:
        >>> from specter2_plugins import load_specter2, read_papers
        >>> from specter2_plugins.qdrant import open_client
        >>> with open_client("papers.qdrant", create=True) as client:
        ...     ingest_papers(read_papers("library.bib"), client, load_specter2("mini")).ingested
        8

    Args:
        records: The papers, read as they are needed: files, `Paper`s, dicts, rows of a table, ..., see `Papers`. One
            that no store can hold is rejected, as a `Rejected` among them is.
        client: An open client.
        model: The model.
        spec: The collection, or its name.
        collection: Its name, instead of the spec's.
        source: What brings the papers, such as "openalex". By default the file that each was read from.
        bulk: Have a Qdrant server build its search graph at the end instead of all along, and wait for it.
        delete_missing: At the end remove the papers that the same source brought before and brings no more.
        adopt: Remove papers too that know no source, because an older version ingested them, as if this source had
            brought them.
        confirm: Asked before more than a tenth of the source's papers are removed: how many, of how many. By default
            that is an error.
        dry_run: Only count what would be done.
        streams: How many requests may be under way to the store at once.
        batch: Papers that are embedded at once. Default: 256; for several workers, as many for each.
        retries: How a failed request is repeated.
        on_reject: Called with each rejected record. By default the first few are logged as warnings.
        on_progress: Called with the counts so far, after every batch.

    Returns:
        The counts.

    Raises:
        StoreError: If the collection holds other vectors, it cannot be told what is to be deleted, or a bulk run is
            asked for and the store is no server.
        TaskError: If the model does not know a task of the spec.
        Exception: What the store raised at the last try. Whatever it has acknowledged stays.
    """
    if bulk:
        check_bulk(client)  # before a collection is made
    started = time.monotonic()
    report = IngestReport()
    spec = CollectionSpec(name=spec) if isinstance(spec, str) else spec
    spec = spec if collection is None else replace(spec, name=collection)
    # The wish to give up is this run's own; the next one may use the same settings.
    retries = replace(retries or Retries(), given_up=Event())
    sparse = [load_sparse(name) for name in spec.sparse]
    exists = retries(client.collection_exists, spec.name)
    if exists or not dry_run:
        retries(prepare_collection, client, spec, model, sparse, only_check=dry_run)
    # Qdrant's local mode is plain Python objects: no use to several threads, and without payload indexes.
    local = isinstance(client, QdrantClient) and isinstance(client._client, QdrantLocal)
    if not local and not dry_run:
        retries(ensure_indexes, client, spec)
    intake = Intake(
        report,
        None if source is None else check_name(source),
        must_know_source=delete_missing,
        on_reject=on_reject or log_first(),
    )
    steps: Generator[Changes, None, None]
    batches = ahead(intake.batches(to_records(records), BATCH), _BATCHES_AHEAD)
    if exists:
        steps = changes(batches, client, spec.name, retries, report, intake.moved)
        steps = steps if local else ahead(steps, _BATCHES_AHEAD)
    else:
        steps = all_new(batches)
    run = _Run(client, spec, batch or BATCH, retries, report, on_progress)
    adapters = adapters_of(spec, model)
    embedder = Embedder(model, adapters, sparse, report, on_progress=lambda: on_progress(report))
    try:
        if exists and not dry_run:
            fill = (client, spec.name, model, adapters, sparse, retries, report, lambda: on_progress(report))
            report.add(filled=fill_vectors(*fill))
        with closing(steps):
            if dry_run:
                run.count(steps)
            else:
                with (
                    indexing(client, spec.name, retries, bulk),
                    Uploads(client, spec.name, retries, 0 if local else streams) as uploads,
                ):
                    run.write(steps, embedder, uploads)
        if not dry_run:
            add_sources(client, spec.name, retries, intake)
            retries(note_sources, client, spec.name, intake.sources)
        if delete_missing and exists:
            missing = Missing(client, spec.name, retries, intake, adopt)
            missing.remove(confirm, dry_run, lambda: on_progress(report))
    finally:
        retries.given_up.set()
    report.add(seconds=time.monotonic() - started)
    on_progress(report)
    return report


def ingest_batch(
    entries: Sequence[PaperPoint],
    client: QdrantBase,
    model: PaperEncoder,
    spec: CollectionSpec,
    sparse: Sequence[SparseTextEncoder],
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
        waiting: list[PaperPoint] = []
        for step in steps:
            uploads.overwrite_payloads({entry.point: entry.payload for entry in step.update}, self._acknowledged)
            uploads.set_payloads({entry.point: {HASHES_KEY: entry.payload[HASHES_KEY]} for entry in step.bring})
            waiting += step.embed
            while len(waiting) >= self.batch:
                uploads.upsert(embedder.points(waiting[: self.batch]), self._acknowledged)
                del waiting[: self.batch]
            self.on_progress(self.report)
        if waiting:
            uploads.upsert(embedder.points(waiting), self._acknowledged)

    def _acknowledged(self, count: int) -> None:
        self.report.add(ingested=count)
