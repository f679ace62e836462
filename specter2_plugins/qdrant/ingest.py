"""Papers -> embeddings -> points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from qdrant_client import QdrantClient, models

from specter2_plugins.papers import Paper
from specter2_plugins.payloads import to_payload
from specter2_plugins.qdrant.collection import adapters_of, prepare_collection
from specter2_plugins.qdrant.points import point_id
from specter2_plugins.qdrant.spec import CollectionSpec
from specter2_plugins.sentence_transformer import Specter2

_BATCH = 64


@dataclass
class IngestReport:
    """What became of the papers: read = ingested + duplicate.

    Args:
        read: Papers taken from the source.
        ingested: Papers written; one that was there already is replaced.
        duplicate: Papers whose id (or, without one, title) came earlier in the same run.
    """

    read: int = 0
    ingested: int = 0
    duplicate: int = 0


def ingest_papers(
    papers: Iterable[Paper],
    client: QdrantClient,
    model: Specter2,
    spec: CollectionSpec = CollectionSpec(),
    on_progress: Callable[[IngestReport], None] = lambda report: None,
) -> IngestReport:
    """Embed papers and write them into a collection, which is made if it is not there.

    Ids are derived from the papers, so ingesting the same papers again replaces them and adds nothing.

    Args:
        papers: The papers; read as they are needed.
        client: An open Qdrant client.
        model: The model.
        spec: The collection.
        on_progress: Called after each batch with the counts so far.

    Returns:
        The counts.

    Raises:
        StoreError: If the collection holds vectors of another model.
    """
    prepare_collection(client, spec, model)
    (task,) = adapters_of(spec, model)
    report = IngestReport()
    seen: set[str] = set()
    source = iter(papers)
    while batch := list(islice(source, _BATCH)):
        fresh: dict[str, Paper] = {}
        for paper in batch:
            point = point_id(paper)
            if point not in seen:
                seen.add(point)
                fresh[point] = paper
        if fresh:
            _write(client, model, spec.name, task, fresh)
        report.read += len(batch)
        report.ingested += len(fresh)
        report.duplicate += len(batch) - len(fresh)
        on_progress(report)
    return report


def _write(client: QdrantClient, model: Specter2, collection: str, task: str, papers: dict[str, Paper]) -> None:
    vectors = model.encode(list(papers.values()), task=task, show_progress_bar=False)
    client.upsert(
        collection,
        points=[
            models.PointStruct(id=point, vector={task: vector.tolist()}, payload=to_payload(paper))
            for (point, paper), vector in zip(papers.items(), vectors, strict=True)
        ],
        wait=True,
    )
