"""The tests' own server answers as Qdrant's client expects, keeps what it is told, and fails on request."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from grpc import RpcError
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from tests.edge.congruence import Caller, create, outcome, same
from tests.qdrant.server import Fault, Remote, Server
from tests.stores import SERVERS, new_server

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect", "ignore:Api key is used")
ROOT = Path(__file__).parents[2]
UPSERT = "PUT .*/points"


@pytest.fixture(params=[kind for kind in SERVERS if kind != "grpc"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with new_server(request.param) as server:
        yield server


@pytest.fixture
def grpc_server() -> Iterator[Server]:
    with new_server("grpc") as server:
        yield server


def connect(server: Server, **settings: Any) -> QdrantClient:
    return QdrantClient(url=server.url, check_compatibility=False, **settings)


def by_grpc(server: Server, **settings: Any) -> QdrantClient:
    return connect(server, prefer_grpc=True, grpc_port=server.address["grpc_port"], **settings)


@pytest.mark.parametrize("seed", range(4))
def test_random_calls_give_what_the_local_engine_gives(server: Server, seed: int) -> None:
    here, there = QdrantClient(":memory:"), connect(server)
    create(here)
    create(there)
    whole = ("scroll", {"limit": 100, "with_vectors": True})
    refused = 0
    for method, arguments in [*Caller(seed).calls(150), whole]:
        expected = outcome(here, method, arguments)
        assert same(outcome(there, method, arguments), expected), (method, arguments)
        refused += expected == "refused"
    assert 0 < refused < 50
    assert here.get_collection("papers").config.metadata == there.get_collection("papers").config.metadata


def test_random_calls_by_grpc_give_what_they_give_by_rest(grpc_server: Server) -> None:
    rest, grpc = connect(grpc_server), by_grpc(grpc_server)
    known = {"upsert", "delete", "batch_update_points", "retrieve", "scroll", "count", "collection_exists"}
    known |= {"query_points", "query_batch_points"}
    create(grpc)
    refused = 0
    for method, arguments in Caller(7).calls(200):
        if method in known:
            found = outcome(grpc, method, arguments)
            # What writes has been carried out; only what reads can be asked for again.
            if "update" not in method and method not in ("upsert", "delete"):
                assert same(found, outcome(rest, method, arguments)), (method, arguments)
            refused += found == "refused"
    assert 0 < refused < 50
    assert grpc.count("papers").count == rest.count("papers").count > 0
    info, expected = grpc.get_collection("papers"), rest.get_collection("papers")
    assert info.config.metadata == expected.config.metadata
    assert info.config.params.vectors == expected.config.params.vectors
    assert info.config.params.sparse_vectors == expected.config.params.sparse_vectors
    assert info.payload_schema.keys() == expected.payload_schema.keys() == {"venue", "weight"}
    assert grpc.get_collections() == rest.get_collections()
    grpc.delete_payload_index("papers", "venue")
    assert list(rest.get_collection("papers").payload_schema) == ["weight"]
    grpc.delete_collection("papers")
    assert not rest.collection_exists("papers")


@pytest.mark.parametrize(
    ("what", "code", "written"),
    [
        ("drop_before", "UNAVAILABLE", False),
        ("drop_after", "UNAVAILABLE", True),
        ("cut", "UNAVAILABLE", True),
        ("garbage", "INTERNAL", True),
        (400, "INVALID_ARGUMENT", False),
        (401, "UNAUTHENTICATED", False),
        (403, "PERMISSION_DENIED", False),
        (408, "DEADLINE_EXCEEDED", False),
        (429, "RESOURCE_EXHAUSTED", False),
        (500, "INTERNAL", False),
        (503, "UNAVAILABLE", False),
    ],
)
def test_faults_by_grpc(
    grpc_server: Server, point: list[models.PointStruct], what: Any, code: str, written: bool
) -> None:
    client = by_grpc(grpc_server)
    create(client)
    grpc_server.faults.add(UPSERT, what, times=1)
    with pytest.raises(RpcError) as failed:
        client.upsert("papers", point)
    assert failed.value.code().name == code
    assert client.count("papers").count == written
    client.upsert("papers", point)
    assert client.count("papers").count == 1


def test_a_key_is_asked_for_by_grpc() -> None:
    with Server(api_key="secret", grpc=True) as server:
        assert by_grpc(server, api_key="secret", https=False).get_collections().collections == []
        with pytest.raises(RpcError) as refused:
            by_grpc(server, api_key="wrong", https=False).get_collections()
        assert refused.value.code().name == "UNAUTHENTICATED"


def test_an_outage_by_grpc(grpc_server: Server) -> None:
    client = by_grpc(grpc_server)
    create(client)
    grpc_server.stop()
    with pytest.raises(RpcError) as failed:
        client.count("papers")
    assert failed.value.code().name == "UNAVAILABLE"
    grpc_server.start()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(RpcError):
            assert client.count("papers").count == 0
            return
        time.sleep(0.05)
    pytest.fail("the client does not come back")


def settled(client: QdrantClient, indexes: Collection[str] = ("year",)) -> models.CollectionInfo:
    """What a collection says once it has its payload indexes and is green, which a real server's is a moment later."""
    end = time.monotonic() + 30
    while True:
        info = client.get_collection("papers")
        if set(info.payload_schema) == set(indexes) and info.status == models.CollectionStatus.GREEN:
            return info
        assert time.monotonic() < end, info
        time.sleep(0.05)


def test_a_collection_shows_what_it_was_asked_to_be(server: Server) -> None:
    client = connect(server)
    client.create_collection(
        "papers",
        models.VectorParams(size=4, distance=models.Distance.EUCLID, on_disk=True),
        shard_number=2,
        on_disk_payload=True,
        hnsw_config=models.HnswConfigDiff(m=0),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        ),
        metadata={"old": 1},
    )
    client.create_payload_index("papers", "year", models.PayloadSchemaType.INTEGER)
    client.upsert("papers", [models.PointStruct(id=1, vector=[1, 2, 3, 4], payload={"year": 2000})])
    made = settled(client)
    assert made.config.params.vectors.on_disk
    assert (made.config.params.shard_number, made.config.params.on_disk_payload) == (2, True)
    assert (made.config.hnsw_config.m, made.config.optimizer_config.indexing_threshold) == (0, 0)
    assert made.config.quantization_config.scalar.always_ram
    assert made.payload_schema["year"].data_type == models.PayloadSchemaType.INTEGER
    assert (made.points_count, made.status) == (1, models.CollectionStatus.GREEN)

    client.update_collection(
        "papers",
        vectors_config={"": models.VectorParamsDiff(on_disk=False)},
        hnsw_config=models.HnswConfigDiff(m=32),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1000),
        quantization_config=models.BinaryQuantization(binary=models.BinaryQuantizationConfig()),
        metadata={"new": 2},
    )
    client.delete_payload_index("papers", "year")
    changed = settled(client, indexes=set())
    assert changed.config.params.vectors.on_disk is False
    assert changed.config.hnsw_config.m == 32
    assert changed.config.hnsw_config.ef_construct == made.config.hnsw_config.ef_construct
    assert changed.config.optimizer_config.indexing_threshold == 1000
    assert isinstance(changed.config.quantization_config, models.BinaryQuantization)
    assert changed.config.metadata == {"old": 1, "new": 2}
    assert not changed.payload_schema


def test_big_enough_vectors_are_indexed_when_indexing_is_on() -> None:
    with Server() as server:
        client = connect(server)
        off, on = (models.OptimizersConfigDiff(indexing_threshold=kilobytes) for kilobytes in (0, 1))
        params = models.VectorParams(size=64, distance=models.Distance.DOT)
        client.create_collection("papers", params, optimizers_config=off)
        client.upsert("papers", [models.PointStruct(id=number, vector=[1.0] * 64) for number in range(8)])
        assert client.get_collection("papers").indexed_vectors_count == 0
        client.update_collection("papers", optimizers_config=on)
        assert client.get_collection("papers").indexed_vectors_count == 8


def test_aliases(server: Server) -> None:
    if isinstance(server.backend, Remote):
        pytest.skip("aliases would not have the prefix that tells our collections from others")
    client = connect(server)
    create(client)
    alias = models.CreateAlias(collection_name="papers", alias_name="all")
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    assert [alias.alias_name for alias in client.get_collection_aliases("papers").aliases] == ["all"]
    assert client.get_collection("all").config == client.get_collection("papers").config


@pytest.mark.parametrize(
    ("method", "arguments", "status", "text"),
    [
        ("get_collection", {"collection_name": "nope"}, 404, "Collection `nope` doesn't exist"),
        ("create_collection", {"collection_name": "papers", "vectors_config": {}}, 409, "already exists"),
        (
            "upsert",
            {"collection_name": "papers", "points": [models.PointStruct(id=1, vector={"near": [1.0]})]},
            400,
            "Vector dimension error: expected dim: 8, got 1",
        ),
        ("scroll", {"collection_name": "papers", "order_by": "title"}, 400, "Index required"),
        ("query_points", {"collection_name": "papers", "query": 99, "using": "near"}, 404, "99"),
    ],
)
def test_errors(server: Server, method: str, arguments: dict[str, Any], status: int, text: str) -> None:
    client = connect(server)
    create(client)
    with pytest.raises(UnexpectedResponse) as refused:
        getattr(client, method)(**arguments)
    assert refused.value.status_code == status
    assert text in json.loads(refused.value.content)["status"]["error"]


def test_a_key_is_asked_for() -> None:
    with Server(api_key="secret") as server:
        assert connect(server, api_key="secret", https=False).get_collections().collections == []
        for key in (None, "wrong"):
            with pytest.raises(UnexpectedResponse) as refused:
                connect(server, api_key=key, https=False).get_collections()
            assert refused.value.status_code == 401
        assert connect(server).info().title.startswith("qdrant")


@pytest.fixture
def point() -> list[models.PointStruct]:
    return [models.PointStruct(id=1, vector={"near": [0.5] * 8})]


@pytest.mark.parametrize(
    ("what", "error", "written"),
    [
        ("drop_before", ResponseHandlingException, False),
        ("drop_after", ResponseHandlingException, True),
        ("cut", ResponseHandlingException, True),
        ("garbage", json.JSONDecodeError, True),
        (429, UnexpectedResponse, False),
        (500, UnexpectedResponse, False),
        (503, UnexpectedResponse, False),
    ],
)
def test_a_fault_strikes_as_often_as_it_should(
    server: Server, point: list[models.PointStruct], what: Any, error: type[Exception], written: bool
) -> None:
    client = connect(server)
    create(client)
    server.faults.add(UPSERT, what, times=2)
    for _ in range(2):
        with pytest.raises(error):
            client.upsert("papers", point)
        assert client.count("papers").count == written
    client.upsert("papers", point)
    assert client.count("papers").count == 1
    assert [request.fault for request in server.calls(UPSERT)] == [str(what), str(what), None]


def test_a_refusal_can_say_when_to_come_back(server: Server) -> None:
    server.faults.add("GET /collections", 429, retry_after=7)
    with pytest.raises(ResourceExhaustedResponse) as refused:
        connect(server).get_collections()
    assert refused.value.retry_after_s == 7


def test_a_late_request_is_carried_out_after_the_client_gave_up(
    server: Server, point: list[models.PointStruct]
) -> None:
    client = connect(server, timeout=1)
    create(client)
    server.faults.add(UPSERT, "delay", seconds=1.3, times=1)
    with pytest.raises(ResponseHandlingException, match="timed out"):
        client.upsert("papers", point)
    assert client.count("papers").count == 0
    end = time.monotonic() + 10
    while client.count("papers").count == 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert client.count("papers").count == 1


def test_yellow_for_a_while(server: Server) -> None:
    client = connect(server)
    create(client)
    server.faults.add("GET /collections/papers", "yellow", times=2)
    assert [client.get_collection("papers").status.value for _ in range(3)] == ["yellow", "yellow", "green"]


def test_rules_skip_count_and_draw() -> None:
    calls = ["PUT /collections/a/points"] * 6
    counted = Fault(UPSERT, 500, skip=2, times=3)
    assert [counted.fires(call) for call in calls] == [False, False, True, True, True, False]
    assert not Fault(UPSERT, 500).fires("POST /collections/a/points/query")
    draws = [Fault(UPSERT, 500, probability=0.3, seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([rule.fires(calls[0]) for _ in range(200)] for rule in draws)
    assert first == again != other
    assert 30 < sum(first) < 90
    with pytest.raises(ValueError, match="'explode' is no fault"):
        Fault(UPSERT, "explode")  # type: ignore[arg-type]


def test_an_outage_keeps_the_points(server: Server, point: list[models.PointStruct]) -> None:
    client = connect(server)
    create(client)
    client.upsert("papers", point)
    server.stop()
    with pytest.raises(ResponseHandlingException, match="refused"):
        client.count("papers")
    server.start()
    assert client.count("papers").count == 1


def test_every_request_is_on_record(server: Server, point: list[models.PointStruct]) -> None:
    client = connect(server)
    create(client)
    for size in (1, 3):
        client.upsert("papers", [models.PointStruct(id=number, vector={}) for number in range(size)])
    upserts = server.calls(UPSERT)
    assert [len(request.json()["points"]) for request in upserts] == [1, 3]
    assert all(request.status == 200 and request.seconds > 0 for request in upserts)
    assert upserts[0].started < upserts[1].started
    assert str(server.requests[0]) == "PUT /collections/papers"


@pytest.fixture
def process() -> Iterator[str]:
    """The server in a process of its own, with a key."""
    command = [sys.executable, "-m", "tests.qdrant.server", "--api-key", "secret"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_one_server_in_front_of_another_in_its_own_process(process: str) -> None:
    """Stands in for a real server at QDRANT_URL."""
    direct = QdrantClient(url=process, api_key="secret", https=False, check_compatibility=False)
    create(direct)
    with Server(Remote(process, "secret")) as server:
        client = connect(server)
        assert not client.collection_exists("papers")
        create(client)
        for method, arguments in Caller(0).calls(20):
            outcome(client, method, arguments)
        assert client.count("papers").count > direct.count("papers").count == 0
        assert [collection.name for collection in client.get_collections().collections] == ["papers"]
        assert len(direct.get_collections().collections) == 2
        server.faults.add("GET /collections", 503, times=1)
        with pytest.raises(UnexpectedResponse):
            client.get_collections()
    assert [collection.name for collection in direct.get_collections().collections] == ["papers"]
