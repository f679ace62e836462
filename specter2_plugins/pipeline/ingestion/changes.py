"""What a batch of papers changes in a collection."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from qdrant_client.client_base import QdrantBase

from specter2_plugins.papers.points import HASHES_KEY, SINCE, PaperPoint, made_of, sources_of
from specter2_plugins.pipeline.identity import Moved, settle
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.store.faults import Retries


@dataclass
class Changes:
    """What is to be done for a batch.

    Args:
        embed: Papers whose text the collection does not have.
        update: Papers whose text it has, with other metadata.
        bring: Papers that it has as they are, from other sources.
    """

    embed: list[PaperPoint] = field(default_factory=list)
    update: list[PaperPoint] = field(default_factory=list)
    bring: list[PaperPoint] = field(default_factory=list)


def changes(
    batches: Iterable[Sequence[PaperPoint]],
    client: QdrantBase,
    collection: str,
    retries: Retries,
    report: IngestReport,
    moved: Moved | None = None,
) -> Generator[Changes, None, None]:
    """Compare batches with what a collection holds, with one request for each.

    Args:
        batches: Papers, none of them twice.
        client: An open client.
        collection: The collection.
        retries: How a failed request is repeated.
        report: Where unchanged papers are counted, and conflicts with papers of other sources.
        moved: Is told of these.
    """
    moved = moved or Moved()
    now = _now()

    def retrieve(points: Sequence[str], keys: list[str]) -> dict[str, dict[str, Any]]:
        records = retries(client.retrieve, collection, points, with_payload=keys, with_vectors=False)
        return {str(record.id): record.payload or {} for record in records}

    for batch in batches:
        stored = dict[str, dict[str, Any] | None]()
        if batch:
            payloads = retrieve([entry.point for entry in batch], [HASHES_KEY])
            stored = {point: made_of(payload) for point, payload in payloads.items()}
            batch, conflicts = settle(batch, stored, retrieve, moved)
            report.add_conflicts(conflicts)
        found = Changes()
        for entry in batch:
            there = stored.get(entry.point)
            entry = entry.also_from(sources_of(there)).came_in(now if there is None else there.get(SINCE))
            here = entry.payload[HASHES_KEY]
            if there is None or there.get("text") != here["text"]:
                found.embed.append(entry)
            elif there.get("metadata") != here["metadata"]:
                found.update.append(entry)
            elif there != here:
                found.bring.append(entry)
        report.add(unchanged=len(batch) - len(found.embed) - len(found.update))
        yield found


def all_new(batches: Iterable[Sequence[PaperPoint]]) -> Generator[Changes, None, None]:
    """Yield the same for a collection that is not there yet, without a request."""
    now = _now()
    for batch in batches:
        yield Changes(embed=[entry.came_in(now) for entry in batch])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
