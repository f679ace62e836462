"""Waiting for what the embedded store does in the background."""

from __future__ import annotations

import time

from qdrant_client import QdrantClient, models

_HANGS_AFTER_SECONDS = 120


def indexed(client: QdrantClient, collection: str = "c") -> int:
    """Wait until nothing is being built, and return how many vectors have an index."""
    end = time.monotonic() + _HANGS_AFTER_SECONDS
    while (info := client.get_collection(collection)).status != models.CollectionStatus.GREEN:
        assert time.monotonic() < end, "it is never indexed"
        time.sleep(0.02)
    return int(info.indexed_vectors_count)
