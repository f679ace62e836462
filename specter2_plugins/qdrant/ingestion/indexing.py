"""Loading without building the search graph at every step, as Qdrant's guide to bulk uploads advises.

Source: https://qdrant.tech/documentation/manage-data/bulk-upload/ (defer the graph with m=0, set it back at the end).
"""

from __future__ import annotations

import time

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError
from specter2_plugins.qdrant.faults import Retries

_DEFERRED = 0
_DEFAULT_EDGES = 16
_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 5.0


def defer_indexing(client: QdrantBase, collection: str, retries: Retries) -> None:
    """Have no search graph built until `finish_indexing`; searches scan until then."""
    retries(client.update_collection, collection, hnsw_config=models.HnswConfigDiff(m=_DEFERRED))


def is_deferred(client: QdrantBase, collection: str, retries: Retries) -> bool:
    """Whether a collection still waits for its search graph, from a run that was cut off."""
    return retries(client.get_collection, collection).config.hnsw_config.m == _DEFERRED


def resume_indexing(client: QdrantBase, collection: str, retries: Retries) -> None:
    """Have the search graph built again, in the background."""
    retries(client.update_collection, collection, hnsw_config=models.HnswConfigDiff(m=_DEFAULT_EDGES))


def wait_for_index(client: QdrantBase, collection: str, retries: Retries) -> None:
    """Wait until a collection is green: nothing is left to optimise.

    Raises:
        StoreError: If the store's optimiser has failed.
    """
    pause = _FIRST_POLL_SECONDS
    while True:
        info = retries(client.get_collection, collection)
        if info.status == models.CollectionStatus.GREEN:
            return
        if info.status == models.CollectionStatus.RED:
            raise StoreError(f"the collection {collection!r} is red: {info.optimizer_status}; see the server's log")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_POLL_SECONDS)
