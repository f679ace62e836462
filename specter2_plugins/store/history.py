"""When each source was last ingested into a collection, which its metadata says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

INGESTED_KEY = "specter2_ingested"
"""Where it says so: source -> ISO 8601, UTC."""

_MOST = 1000


def note_sources(client: QdrantBase, collection: str, sources: Iterable[str]) -> None:
    """Say that sources have been ingested now. Of more than 1,000 the latest are kept.

    Args:
        client: An open client.
        collection: The collection.
        sources: The sources; without any, nothing is written.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if noted := dict.fromkeys(sorted(sources), now):
        known = {**last_ingested(client.get_collection(collection)), **noted}
        latest = sorted(known.items(), key=lambda item: item[1], reverse=True)[:_MOST]
        client.update_collection(collection, metadata={INGESTED_KEY: dict(latest)})


def last_ingested(info: models.CollectionInfo) -> dict[str, str]:
    """Return when each source was last ingested, as far as the collection says."""
    said = (info.config.metadata or {}).get(INGESTED_KEY)
    return {str(source): str(when) for source, when in said.items()} if isinstance(said, dict) else {}
