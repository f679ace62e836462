"""Writing leaves what qdrant-client's local mode leaves; what does not fit is refused before anything is written."""

from __future__ import annotations

import datetime
import random
import threading
import uuid
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import StoreError
from specter2_plugins.edge import EdgeClient
from tests.edge.congruence import Caller
from tests.edge.pairs import assert_same, outcome

SIZES = {"near": 8, "alike": 4}


def create(client: QdrantClient) -> None:
    """The collection of `Caller`, but for IDF: the engine counts overwritten points until the next indexing."""
    vectors = {
        "near": models.VectorParams(size=8, distance=models.Distance.EUCLID),
        "alike": models.VectorParams(size=4, distance=models.Distance.COSINE),
    }
    client.create_collection("papers", vectors, sparse_vectors_config={"words": models.SparseVectorParams()})
    client.create_payload_index("papers", "venue", models.PayloadSchemaType.KEYWORD)
    client.create_payload_index("papers", "weight", models.PayloadSchemaType.FLOAT)


def everything(client: QdrantClient) -> Any:
    return outcome(lambda client: client.scroll("papers", limit=1000, with_vectors=True)[0], client)


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
@pytest.mark.parametrize("seed", range(2))
def test_random_calls(edge: EdgeClient, seed: int) -> None:
    local = QdrantClient(":memory:")
    for client in (edge, local):
        create(client)
    for method, arguments in Caller(seed).calls(120):

        def call(client: QdrantClient) -> Any:
            return getattr(client, method)(collection_name="papers", **arguments)  # noqa: B023

        assert_same(outcome(call, edge), outcome(call, local))
    edge.optimize("papers")
    assert_same(everything(edge), everything(local))


def test_every_shape_of_points(edge: EdgeClient) -> None:
    create(edge)
    vectors = {name: np.random.default_rng(0).random((6, size), dtype=np.float32) for name, size in SIZES.items()}
    edge.upload_collection("papers", vectors, payload=[{"n": n} for n in range(6)], ids=range(6), batch_size=4)
    edge.upload_collection("papers", [{"near": row.tolist()} for row in vectors["near"]])
    rows = {name: column.tolist() for name, column in vectors.items()}
    edge.upsert("papers", models.Batch(ids=list(range(10, 16)), vectors=rows, payloads=[{"n": n} for n in range(6)]))
    edge.upload_points(
        "papers",
        (
            models.PointStruct(id=uuid.uuid5(uuid.NAMESPACE_URL, str(n)), vector={"near": rows["near"][n]})
            for n in range(6)
        ),
        batch_size=5,
        parallel=2,
        wait=True,
    )
    assert edge.count("papers").count == 24
    first, tenth = edge.retrieve("papers", [0, 10], with_vectors=True)
    assert first.vector["near"] == pytest.approx(tenth.vector["near"])
    assert first.payload == tenth.payload == {"n": 0}


def test_update_modes(edge: EdgeClient) -> None:
    create(edge)
    old, new = ({"near": [float(n)] * 8} for n in (1, 2))
    edge.upsert("papers", [models.PointStruct(id=1, vector=old)])
    both = [models.PointStruct(id=n, vector=new) for n in (1, 2)]
    edge.upsert("papers", both, update_mode=models.UpdateMode.INSERT_ONLY)
    assert [point.vector["near"][0] for point in edge.retrieve("papers", [1, 2], with_vectors=True)] == [1, 2]
    edge.upsert("papers", [both[0], models.PointStruct(id=3, vector=new)], update_mode=models.UpdateMode.UPDATE_ONLY)
    assert [point.vector["near"][0] for point in edge.retrieve("papers", [1, 2, 3], with_vectors=True)] == [2, 2]


def test_payloads_become_json(edge: EdgeClient) -> None:
    create(edge)
    made = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
    some = uuid.UUID(int=1)
    payload = {"made": made, "id": some, "tuple": (1, 2.5), "none": None, "deep": {"flag": True, "big": 2**53}}
    edge.upsert("papers", [models.PointStruct(id=1, vector={}, payload=payload)])
    kept = {"made": "2020-01-02T00:00:00Z", "id": str(some), "tuple": [1, 2.5], "none": None}
    assert edge.retrieve("papers", [1])[0].payload == {**kept, "deep": {"flag": True, "big": 2**53}}
    with pytest.raises(StoreError, match="point 2: the payload is not JSON"):
        edge.upsert("papers", [models.PointStruct(id=2, vector={}, payload={"x": object()})])


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ({"near": [1.0] * 3}, "point 2, vector 'near': Vector dimension error: expected dim: 8, got 3"),
        ({"near": []}, "point 2, vector 'near': expected a vector of numbers"),
        ({"near": [[1.0] * 8]}, "point 2, vector 'near': expected a vector of numbers"),
        ({"near": [float("nan")] * 8}, "point 2, vector 'near': it has a NaN"),
        ({"nope": [1.0]}, "point 2, vector 'nope': the collection has no dense vector of this name"),
        ([1.0] * 8, "point 2, vector '': the collection has no dense vector of this name"),
        ({"words": [1.0]}, "point 2, vector 'words': the collection has no dense vector of this name"),
        (
            {"near": models.SparseVector(indices=[1], values=[1.0])},
            "point 2, vector 'near': the collection has no sparse vector of this name",
        ),
        (
            {"words": models.SparseVector(indices=[1, 2], values=[1.0])},
            "point 2, vector 'words': a sparse vector has 2 indices and 1 values",
        ),
        (
            {"words": models.SparseVector(indices=[1, 1], values=[1.0, 2.0])},
            "point 2, vector 'words': a sparse vector has an index twice",
        ),
    ],
)
def test_a_point_that_does_not_fit_stops_its_batch(edge: EdgeClient, vector: Any, message: str) -> None:
    create(edge)
    good = models.PointStruct(id=1, vector={"near": [1.0] * 8})
    with pytest.raises(StoreError, match=f"^{message}"):
        edge.upsert("papers", [good, models.PointStruct(id=2, vector=vector)])
    assert edge.count("papers").count == 0


def test_other_wrong_writes(edge: EdgeClient) -> None:
    create(edge)
    with pytest.raises(StoreError, match="'x' is neither an unsigned integer nor a UUID"):
        edge.upsert("papers", [models.PointStruct(id="x", vector={})])
    with pytest.raises(StoreError, match="Empty update request"):
        edge.upsert("papers", [])
    with pytest.raises(StoreError, match="the columns of a batch differ in length"):
        edge.upsert("papers", models.Batch(ids=[1, 2], vectors={"near": [[1.0] * 8]}))
    with pytest.raises(StoreError, match="No point with id 5"):
        edge.set_payload("papers", {"a": 1}, [5])
    with pytest.raises(StoreError, match="there is no vector 'nope'"):
        edge.delete_vectors("papers", ["nope"], [1])
    with pytest.raises(ValueError, match="Collection nope not found"):
        edge.upsert("nope", [models.PointStruct(id=1, vector={})])


def test_threads_share_a_client(edge: EdgeClient) -> None:
    create(edge)
    failures = []

    def work(worker: int) -> None:
        rng = random.Random(worker)
        try:
            for n in range(20):
                vector = [rng.random() for _ in range(8)]
                edge.upsert("papers", [models.PointStruct(id=100 * worker + n, vector={"near": vector})])
                assert edge.query_points("papers", vector, using="near", limit=1).points[0].id == 100 * worker + n
                if n == 10 and worker == 0:
                    edge.optimize("papers")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert edge.count("papers").count == 80
