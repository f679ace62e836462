"""Writing points in several streams, while the next ones are embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from pydantic_core import to_json
from qdrant_client import models
from qdrant_client.client_base import QdrantBase

from specter2_plugins.store.faults import Retries

MOST_POINTS = 256
"""Points to a request; Qdrant's guide to bulk uploads advises 64 to 256."""
MOST_BYTES = 8 * 2**20
"""Bytes to a request, unless one point alone takes more; a server takes up to 32 MiB by default."""

# Most bytes of numbers as JSON, and of what stands around a request's, a point's or a vector's own.
_BYTES_A_FLOAT = 25
_BYTES_AN_INDEX = 11
_BYTES_AROUND = 100

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

    def upsert(self, points: Sequence[models.PointStruct], acknowledged: Callable[[int], object]) -> None:
        """Write points, and call back with their number once the store has them, for each request."""
        for request in in_requests(points, _point_bytes):
            self._submit(partial(self._client.upsert, self._collection, request, wait=True), acknowledged, len(request))

    def overwrite_payloads(self, payloads: Mapping[str, models.Payload], acknowledged: Callable[[int], object]) -> None:
        """Replace what lies beside some points' vectors; calls back as `upsert` does."""
        self._write_payloads(
            [
                models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[point]))
                for point, payload in payloads.items()
            ],
            acknowledged,
        )

    def set_payloads(self, payloads: Mapping[str, models.Payload]) -> None:
        """Replace some keys of points' payloads."""
        self._write_payloads(
            [
                models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, points=[point]))
                for point, payload in payloads.items()
            ],
            lambda count: None,
        )

    def _write_payloads(self, operations: Sequence[Any], acknowledged: Callable[[int], object]) -> None:
        for request in in_requests(operations, lambda operation: len(to_json(operation)) + 1):
            write = partial(self._client.batch_update_points, self._collection, request, wait=True)
            self._submit(write, acknowledged, len(request))

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

    def _submit(self, write: Callable[[], object], acknowledged: Callable[[int], object], count: int) -> None:
        def run() -> None:
            self._retries(write)
            acknowledged(count)

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
        size: The bytes of an item as JSON, as REST sends it; gRPC needs less.
    """
    request: list[Item] = []
    total = _BYTES_AROUND
    for item in items:
        more = size(item)
        if request and (len(request) == MOST_POINTS or total + more > MOST_BYTES):
            yield request
            request, total = [], _BYTES_AROUND
        request.append(item)
        total += more
    if request:
        yield request


def _point_bytes(point: models.PointStruct) -> int:
    # Writing all the numbers to count their digits would take as long as to send them.
    vectors = point.vector.values() if isinstance(point.vector, dict) else ()
    return (
        _BYTES_AROUND + len(to_json(point.payload)) + sum(_BYTES_AROUND + _vector_bytes(vector) for vector in vectors)
    )


def _vector_bytes(vector: object) -> int:
    if isinstance(vector, models.SparseVector):
        return len(vector.indices) * (_BYTES_AN_INDEX + _BYTES_A_FLOAT)
    return len(vector) * _BYTES_A_FLOAT if isinstance(vector, list) else 0
