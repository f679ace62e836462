"""Loading without building the search graph at every step, as Qdrant's guide to bulk uploads advises.

Source: https://qdrant.tech/documentation/manage-data/bulk-upload/ (defer the graph with m=0, set it back at the end).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from qdrant_client import models
from qdrant_client.client_base import QdrantBase
from qdrant_client.local.qdrant_local import QdrantLocal

from specter2_plugins.edge import EdgeClient
from specter2_plugins.errors import StoreError
from specter2_plugins.store.faults import STORE_ERRORS, Retries

EDGES_KEY = "specter2_bulk"
"""Where a collection's metadata says, during a bulk run, how many edges a point of its graph is to have again."""

_DEFERRED = 0
_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 5.0


@contextmanager
def indexing(client: QdrantBase, collection: str, retries: Retries, bulk: bool) -> Iterator[None]:
    """Have a bulk run's search graph built at its end, and that of a bulk run that was cut off, too.

    Args:
        client: An open client.
        collection: The collection that is written to.
        retries: How a failed request is repeated.
        bulk: Whether this is a bulk run.
    """
    edges = _edges(client, collection, retries, defer=bulk)
    if edges is None:
        yield
        return
    try:
        yield
    except BaseException:
        # The collection must not be left without a graph, but a store that is gone is not waited for.
        with suppress(*STORE_ERRORS):
            _resume(client, collection, replace(retries, attempts=1), edges)
        raise
    _resume(client, collection, retries, edges)
    wait_for_index(client, collection, retries)


def check_bulk(client: QdrantBase) -> None:
    """Refuse a bulk run on a store that is no server.

    Raises:
        StoreError: If it is embedded, or Qdrant's local mode.
    """
    if isinstance(client, EdgeClient) or isinstance(getattr(client, "_client", None), QdrantLocal):
        raise StoreError(
            "a bulk run (--bulk) is for a Qdrant server; an embedded store builds its search graph beside, in a "
            "process of its own, and gains nothing by it"
        )


def _edges(client: QdrantBase, collection: str, retries: Retries, defer: bool) -> int | None:
    """Return what to set the graph's `m` back to, after setting it to 0 if asked; None where it is to stay as it is."""
    config = retries(client.get_collection, collection).config
    edges = config.hnsw_config.m
    if edges == _DEFERRED:
        return (config.metadata or {}).get(EDGES_KEY)
    if not defer:
        return None
    deferred = models.HnswConfigDiff(m=_DEFERRED)
    retries(client.update_collection, collection, hnsw_config=deferred, metadata={EDGES_KEY: edges})
    return edges


def _resume(client: QdrantBase, collection: str, retries: Retries, edges: int) -> None:
    graph = models.HnswConfigDiff(m=edges)
    retries(client.update_collection, collection, hnsw_config=graph, metadata={EDGES_KEY: None})


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
