"""Writing points in several streams, while the next ones are embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.qdrant.faults import Retries

MOST_POINTS = 256
"""Points to a request; Qdrant's guide to bulk uploads advises 64 to 256."""
MOST_BYTES = 8 * 2**20
"""Bytes to a request; a server takes up to 32 MiB by default."""

Item = TypeVar("Item")


class Uploads:
    """Writes under way, a bounded number of them.

    On the way out of its context all of them end, whatever ended it; after a write failed, or the user asked to stop,
    nothing is tried again.

    Args:
        client: An open client.
        collection: Where to write.
        retries: How a failed write is repeated.
        streams: How many requests may be under way at once; 0 writes in the calling thread.
    """

    def __init__(self, client: QdrantBase, collection: str, retries: Retries, streams: int) -> None:
        self._client = client
        self._collection = collection
        self._retries = retries
        self._streams = streams
        self._pool = ThreadPoolExecutor(max(1, streams), thread_name_prefix="specter2-upload")
        self._under_way: set[Future[None]] = set()

    def upsert(self, points: list[models.PointStruct], acknowledged: Callable[[], object]) -> None:
        """Write points, and call back once the store has them."""
        self._submit(lambda: self._client.upsert(self._collection, points, wait=True), acknowledged)

    def overwrite_payloads(self, payloads: dict[str, models.Payload], acknowledged: Callable[[], object]) -> None:
        """Replace what lies beside some points' vectors, in one request."""
        operations = [
            models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[point]))
            for point, payload in payloads.items()
        ]
        self._submit(lambda: self._client.batch_update_points(self._collection, operations, wait=True), acknowledged)

    def flush(self) -> None:
        """Wait until everything is written.

        Raises:
            Exception: What the first failed write raised.
        """
        while self._under_way:
            self._settle(wait(self._under_way, return_when=FIRST_COMPLETED).done)

    def __enter__(self) -> Uploads:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
            else:
                if not issubclass(kind, Exception):
                    self._retries.given_up.set()
                wait(self._under_way)
        except BaseException:
            self._retries.given_up.set()
            raise
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, write: Callable[[], object], acknowledged: Callable[[], object]) -> None:
        def run() -> None:
            self._retries(write)
            acknowledged()

        if self._streams == 0:
            run()
            return
        while len(self._under_way) >= 2 * self._streams:
            self._settle(wait(self._under_way, return_when=FIRST_COMPLETED).done)
        self._settle({future for future in self._under_way if future.done()})
        self._under_way.add(self._pool.submit(run))

    def _settle(self, done: set[Future[None]]) -> None:
        self._under_way -= done
        for future in done:
            error = future.exception()
            if error is not None:
                self._retries.given_up.set()
                raise error


def in_requests(items: Sequence[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Cut items into lists that one request can carry.

    Args:
        items: What to write.
        size: Bytes of one item in a request, roughly.
    """
    request: list[Item] = []
    total = 0
    for item in items:
        if request and (len(request) == MOST_POINTS or total + size(item) > MOST_BYTES):
            yield request
            request, total = [], 0
        request.append(item)
        total += size(item)
    if request:
        yield request
