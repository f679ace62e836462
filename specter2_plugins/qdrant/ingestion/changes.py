"""What a batch of papers changes in a collection."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qdrant_client.client_base import QdrantBase

from specter2_plugins.qdrant.faults import Retries
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.points import HASHES_KEY, Entry, made_of, sources_of


@dataclass
class Changes:
    """What is to be done for a batch.

    Args:
        embed: Papers whose text the collection does not have.
        update: Papers whose text it has, with other metadata.
        bring: Papers that it has as they are, from other sources.
    """

    embed: list[Entry] = field(default_factory=list)
    update: list[Entry] = field(default_factory=list)
    bring: list[Entry] = field(default_factory=list)


def changes(
    batches: Iterable[Sequence[Entry]], client: QdrantBase, collection: str, retries: Retries, report: IngestReport
) -> Generator[Changes, None, None]:
    """Compare batches with what a collection holds, with one request for each.

    Args:
        batches: Papers, none of them twice.
        client: An open client.
        collection: The collection.
        retries: How a failed request is repeated.
        report: Where unchanged papers are counted.
    """
    for batch in batches:
        stored = _hashes(client, collection, batch, retries) if batch else {}
        found = Changes()
        for entry in batch:
            there = stored.get(entry.point)
            entry = entry.also_from(sources_of(there))
            here = entry.payload[HASHES_KEY]
            if there is None or there.get("text") != here["text"]:
                found.embed.append(entry)
            elif there.get("metadata") != here["metadata"]:
                found.update.append(entry)
            elif there != here:
                found.bring.append(entry)
        report.add(unchanged=len(batch) - len(found.embed) - len(found.update))
        yield found


def _hashes(
    client: QdrantBase, collection: str, batch: Sequence[Entry], retries: Retries
) -> dict[str, dict[str, Any] | None]:
    ids = [entry.point for entry in batch]
    records = retries(client.retrieve, collection, ids, with_payload=[HASHES_KEY], with_vectors=False)
    return {str(record.id): made_of(record.payload) for record in records}
