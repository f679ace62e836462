"""The papers of a collection are given the vectors that were added to it, from what is stored of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.papers import Paper
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.payloads import CONTENT_KEY, from_page_content
from specter2_plugins.pipeline.ingestion.embedder import Embedder
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.sparse import SparseTextEncoder
from specter2_plugins.store.added_vectors import filled, filling, lacking
from specter2_plugins.store.faults import Retries

_PAGE = 256

_log = logging.getLogger(__name__)


def fill_vectors(
    client: QdrantBase,
    collection: str,
    model: PaperEncoder,
    adapters: Sequence[str],
    sparse: Sequence[SparseTextEncoder],
    retries: Retries,
    report: IngestReport,
    on_progress: Callable[[], object] = lambda: None,
) -> int:
    """Embed the stored papers that lack vectors of their collection; no source is read again.

    What is done is asked of the store, so a run that was cut off goes on by being started again.

    Args:
        client: An open client.
        collection: The collection.
        model: What embeds papers.
        adapters: What they go through; these name the collection's dense vectors.
        sparse: The encoders of its sparse vectors.
        retries: How a failed request is repeated.
        report: Where tokens and time are counted.
        on_progress: Called after each batch.

    Returns:
        How many papers were given vectors.
    """
    waiting = filling(retries(client.get_collection, collection))
    if not waiting:
        return 0
    dense = [adapter for adapter in adapters if adapter in waiting]
    encoders = [encoder for encoder in sparse if encoder.name in waiting]
    left = set(waiting) - {*dense, *(encoder.name for encoder in encoders)}
    embedder = Embedder(model, dense, encoders, report, on_progress)
    done, textless = 0, 0
    _log.info("collection %r: its papers are given %s", collection, " and ".join(waiting))
    for page in _pages(client, collection, [*dense, *(encoder.name for encoder in encoders)], retries):
        papers = {record.id: paper for record in page if (paper := _paper(record)) is not None}
        textless += len(page) - len(papers)
        vectors = embedder.vectors(list(papers.values()))
        points = [models.PointVectors(id=id, vector=named) for id, named in zip(papers, vectors, strict=True)]
        if points:
            retries(client.update_vectors, collection, points, wait=True)
        done += len(points)
        on_progress()
    if textless:
        _log.warning("collection %r: %d points hold no text and stay without %s", collection, textless, waiting)
    if not left:
        retries(filled, client, collection)
    return done


def _pages(
    client: QdrantBase, collection: str, names: Sequence[str], retries: Retries
) -> Iterator[Sequence[models.Record]]:
    offset = None
    while True:
        page, offset = retries(
            client.scroll,
            collection,
            scroll_filter=lacking(*names),
            limit=_PAGE,
            offset=offset,
            with_payload=[CONTENT_KEY],
            with_vectors=False,
        )
        if page:
            yield page
        if offset is None:
            return


def _paper(record: models.Record) -> Paper | str | None:
    text = (record.payload or {}).get(CONTENT_KEY)
    return from_page_content(text) if isinstance(text, str) and text.strip() else None
