"""What a batch of papers changes in a collection."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from qdrant_client.client_base import QdrantBase

from specter2_plugins.papers import Paper
from specter2_plugins.qdrant.faults import Retries
from specter2_plugins.qdrant.ingestion.idset import IdSet
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.points import HASHES_KEY, Entry, id_of
from specter2_plugins.readers.records import Rejected


@dataclass
class Changes:
    """What is to be done for a batch.

    Args:
        embed: Papers whose text the collection does not have.
        update: Papers whose text it has, with other metadata.
    """

    embed: list[Entry] = field(default_factory=list)
    update: list[Entry] = field(default_factory=list)


def unseen(
    records: Iterable[Paper | Rejected], size: int, seen: IdSet, report: IngestReport, rejected: IdSet | None = None
) -> Iterator[list[Entry]]:
    """Take records in batches, and leave out what is no paper or came before.

    Args:
        records: What was read.
        size: Records to a batch.
        seen: The points of all papers so far.
        report: Where records are counted.
        rejected: The points that rejected records so far would have been; these have not left the source.
    """
    source = iter(records)
    while batch := list(islice(source, size)):
        entries = [Entry.of(record) for record in batch if isinstance(record, Paper)]
        new = seen.add([entry.point for entry in entries])
        refused = [record.id for record in batch if not isinstance(record, Paper)]
        named = [id_of(name) for name in refused if name is not None]
        if rejected is not None:
            rejected.add(named)
        report.add(
            read=len(batch),
            rejected=len(refused),
            unnamed=len(refused) - len(named),
            duplicate=len(entries) - sum(new),
        )
        yield [entry for entry, is_new in zip(entries, new, strict=True) if is_new]


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
            there, here = stored.get(entry.point), entry.payload[HASHES_KEY]
            if there is None or there.get("text") != here["text"]:
                found.embed.append(entry)
            elif there != here:
                found.update.append(entry)
        report.add(unchanged=len(batch) - len(found.embed) - len(found.update))
        yield found


def _hashes(
    client: QdrantBase, collection: str, batch: Sequence[Entry], retries: Retries
) -> dict[str, dict[str, Any] | None]:
    ids = [entry.point for entry in batch]
    records = retries(client.retrieve, collection, ids, with_payload=[HASHES_KEY], with_vectors=False)
    return {str(record.id): (record.payload or {}).get(HASHES_KEY) for record in records}
