"""Random calls on a collection, and whether two clients answer them alike."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import grpc
import pytest
from pydantic_core import to_jsonable_python
from qdrant_client import models
from qdrant_client.client_base import QdrantBase
from qdrant_client.http.exceptions import UnexpectedResponse

_REFUSALS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}


def create(client: QdrantBase) -> None:
    """Make the collection that the calls are about."""
    client.create_collection(
        "papers",
        {
            "near": models.VectorParams(size=8, distance=models.Distance.EUCLID),
            "alike": models.VectorParams(size=4, distance=models.Distance.COSINE),
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        metadata={"made": {"by": "tests", "for": None}},
    )
    client.create_payload_index("papers", "venue", models.PayloadSchemaType.KEYWORD)
    client.create_payload_index("papers", "weight", models.PayloadSchemaType.FLOAT)


class Caller:
    """Draws the calls: writes, reads and queries, some of them on points that are not there."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def calls(self, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Methods of the client with their arguments; the first fills the collection."""
        yield "upsert", {"points": [self.point(number) for number in range(40)]}
        for _ in range(count):
            yield self.random.choice([self.write, self.read, self.query])()

    def vector(self, size: int) -> list[float]:
        return [self.random.gauss(0, 1) for _ in range(size)]

    def words(self) -> models.SparseVector:
        indices = self.random.sample(range(20), 5)
        return models.SparseVector(indices=indices, values=[self.random.random() for _ in indices])

    def vectors(self) -> dict[str, Any]:
        return {"near": self.vector(8), "alike": self.vector(4), "words": self.words()}

    def payload(self) -> dict[str, Any]:
        return {
            "venue": self.random.choice(["SIGIR", "ACL", "Überblick"]),
            "weight": self.random.random(),
            "metadata": {"year": self.random.randint(1990, 2020), "fields": ["a", None, 1.5, True]},
        }

    def point(self, number: int) -> models.PointStruct:
        return models.PointStruct(id=number, vector=self.vectors(), payload=self.payload())

    def ids(self) -> list[int]:
        return self.random.sample(range(45), 4)

    def filter(self) -> models.Filter:
        year = models.FieldCondition(key="metadata.year", range=models.Range(gte=self.random.randint(1990, 2020)))
        venue = models.FieldCondition(key="venue", match=models.MatchValue(value="ACL"))
        return models.Filter(must=[year], must_not=self.random.choice([None, [venue]]))

    def some(self) -> list[int] | models.Filter:
        return self.random.choice([self.ids(), self.filter()])

    def write(self) -> tuple[str, dict[str, Any]]:
        points, numbers = self.some(), self.ids()
        columns = [self.vectors() for _ in numbers]
        batch = models.Batch(
            ids=numbers, vectors={name: [row[name] for row in columns] for name in columns[0]}, payloads=None
        )
        return self.random.choice(
            [
                ("upsert", {"points": [self.point(number) for number in numbers]}),
                ("upsert", {"points": batch}),
                ("upsert", {"points": [self.point(1)], "update_filter": self.filter()}),
                ("set_payload", {"payload": {"seen": 1}, "points": points}),
                ("set_payload", {"payload": {"year": 1}, "points": numbers, "key": "metadata"}),
                ("overwrite_payload", {"payload": self.payload(), "points": points}),
                ("delete_payload", {"keys": ["metadata.year"], "points": points}),
                ("clear_payload", {"points_selector": numbers[:1]}),
                ("update_vectors", {"points": [models.PointVectors(id=2, vector={"near": self.vector(8)})]}),
                ("delete_vectors", {"vectors": ["alike"], "points": numbers[:1]}),
                ("delete", {"points_selector": numbers[:2]}),
                (
                    "batch_update_points",
                    {
                        "update_operations": [
                            models.UpsertOperation(upsert=models.PointsList(points=[self.point(numbers[0])])),
                            models.SetPayloadOperation(
                                set_payload=models.SetPayload(payload={"b": 1}, filter=self.filter())
                            ),
                            models.DeleteOperation(delete=models.PointIdsList(points=numbers[1:2])),
                        ]
                    },
                ),
            ]
        )

    def read(self) -> tuple[str, dict[str, Any]]:
        order = models.OrderBy(key="weight", direction=models.Direction.DESC)
        return self.random.choice(
            [
                ("retrieve", {"ids": self.ids(), "with_vectors": ["near", "words"]}),
                ("retrieve", {"ids": self.ids(), "with_payload": ["metadata.year"]}),
                ("scroll", {"limit": 7, "offset": self.random.randrange(40), "with_vectors": True}),
                ("scroll", {"scroll_filter": self.filter(), "with_payload": False}),
                ("scroll", {"order_by": order, "limit": 5}),
                ("count", {"count_filter": self.filter()}),
                ("count", {}),
                ("facet", {"key": "venue", "facet_filter": self.filter()}),
                ("collection_exists", {}),
            ]
        )

    def query(self) -> tuple[str, dict[str, Any]]:
        near, alike = self.vector(8), self.vector(4)
        prefetch = [
            models.Prefetch(query=near, using="near", limit=10),
            models.Prefetch(query=self.words(), using="words", limit=10, filter=self.filter()),
        ]
        recommend = models.RecommendInput(positive=[*self.ids()[:1], near], negative=[self.vector(8)])
        return self.random.choice(
            [
                ("query_points", {"query": near, "using": "near", "limit": 5}),
                ("query_points", {"query": alike, "using": "alike", "query_filter": self.filter(), "offset": 1}),
                ("query_points", {"query": self.words(), "using": "words", "with_vectors": True}),
                ("query_points", {"query": self.ids()[0], "using": "near", "score_threshold": 4.0}),
                ("query_points", {"query": models.RecommendQuery(recommend=recommend), "using": "near"}),
                ("query_points", {"query": models.FusionQuery(fusion=models.Fusion.RRF), "prefetch": prefetch}),
                ("query_points", {"query": models.FusionQuery(fusion=models.Fusion.DBSF), "prefetch": prefetch}),
                (
                    "query_batch_points",
                    {
                        "requests": [
                            models.QueryRequest(query=near, using="near", limit=3, with_payload=True),
                            models.QueryRequest(query=alike, using="alike", filter=self.filter(), with_vector=True),
                        ]
                    },
                ),
            ]
        )


def outcome(client: QdrantBase, method: str, arguments: dict[str, Any]) -> Any:
    """A call's result as plain data, or that it was refused."""
    try:
        return to_jsonable_python(getattr(client, method)(collection_name="papers", **arguments))
    except (ValueError, KeyError):
        return "refused"
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call) or error.code() not in _REFUSALS:
            raise
        return "refused"
    except UnexpectedResponse as error:
        if error.status_code >= 500:
            raise
        return "refused"


def same(left: Any, right: Any) -> bool:
    """Equal but for counters of the server's own and rounding."""
    if isinstance(left, dict) and isinstance(right, dict):
        ours = left.keys() - {"operation_id", "version", "payload"}
        # An empty payload and none at all are the same to gRPC.
        alike = same(left.get("payload") or {}, right.get("payload") or {}) if "payload" in left else True
        return left.keys() == right.keys() and alike and all(same(left[key], right[key]) for key in ours)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return bool(left == pytest.approx(right, rel=1e-5, abs=1e-4))
    return bool(left == right)
