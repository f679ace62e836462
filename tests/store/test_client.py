"""Opening stores: what cannot be opened is one line, and no line holds a key."""

from __future__ import annotations

import errno
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from specter2_plugins import StoreError
from specter2_plugins.qdrant import open_client
from tests.edge.waiting import indexed
from tests.qdrant.server import Server

KEY = "very-secret"


@pytest.fixture
def nowhere() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_store_in_use_and_store_on_a_file(tmp_path: Path) -> None:
    with (
        open_client(store=tmp_path / "store"),
        pytest.raises(StoreError, match="is open already"),
        open_client(store=tmp_path / "store"),
    ):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot use the store .*File exists"), open_client(store=tmp_path / "file"):
        pass
    with pytest.raises(StoreError, match="one of the two"), open_client():
        pass


def test_a_reader_of_the_output_who_leaves_is_not_the_stores_fault(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), open_client(store=tmp_path / "store"):
        raise BrokenPipeError


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_who_is_stopped_waits_for_no_index(tmp_path: Path, error: BaseException) -> None:
    vector = {"a": models.VectorParams(size=64, distance=models.Distance.EUCLID)}
    points = [models.PointStruct(id=number, vector={"a": [float(number % 7)] * 64}) for number in range(6100)]

    def work(client: QdrantClient) -> None:
        small = models.OptimizersConfigDiff(indexing_threshold=256)
        client.create_collection("c", vector, optimizers_config=small)
        client.upsert("c", points[:5000])
        assert indexed(client) == 5000
        # Enough for an index, but few beside those that have one: theirs is built when the store is closed.
        client.upsert("c", points[5000:])
        raise error

    with pytest.raises((KeyboardInterrupt, StoreError)), open_client(tmp_path / "store") as client:
        work(client)
    with open_client(tmp_path / "store") as client:
        assert client.get_collection("c").indexed_vectors_count == 5000


def test_a_server_that_is_gone(nowhere: int) -> None:
    gone = f"http://127.0.0.1:{nowhere}"
    with (
        pytest.raises(StoreError, match=f"cannot reach the Qdrant server {gone}: .*refused"),
        open_client(url=gone) as client,
    ):
        client.get_collections()
    with (
        pytest.raises(StoreError, match=rf"cannot reach the Qdrant server {gone} \(gRPC on port {nowhere}\): .*efused"),
        open_client(url=gone, grpc=True, grpc_port=nowhere) as client,
    ):
        client.get_collections()


def test_a_port_that_speaks_http_when_grpc_is_spoken_to() -> None:
    with (
        Server() as server,
        pytest.raises(StoreError, match=r"cannot reach the Qdrant server .* \(gRPC on port \d+\)") as refused,
        open_client(url=server.url, grpc=True, grpc_port=int(server.url.rpartition(":")[2])) as client,
    ):
        client.get_collections()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("grpc", [False, True])
@pytest.mark.parametrize("key", [KEY, f"{KEY}\n", None])
def test_a_key_that_is_wrong(grpc: bool, key: str | None) -> None:
    with Server(api_key="right", grpc=grpc) as server:
        with (
            pytest.raises(StoreError, match=r"refuses the API key; give the right one in QDRANT_API_KEY") as refused,
            open_client(**server.address, api_key=key) as client,
        ):
            client.get_collections()
        assert KEY not in str(refused.value)
        with open_client(**server.address, api_key="right\n") as client:
            assert client.get_collections().collections == []


@pytest.mark.parametrize("grpc", [False, True])
@pytest.mark.parametrize("key", ["very\nsecret", "very-sécret", "very\x00secret"])
def test_a_key_that_cannot_be_one(grpc: bool, key: str) -> None:
    with (
        pytest.raises(StoreError, match="the API key holds a character that no key can have") as refused,
        open_client(url="http://127.0.0.1:1", api_key=key, grpc=grpc),
    ):
        pass
    assert "very" not in str(refused.value)


@pytest.mark.parametrize("url", ["ftp://host", "not a url", "http://host:99999", "", "http://"])
def test_a_url_that_is_none(url: str) -> None:
    with (
        pytest.raises(StoreError, match="is no URL of a Qdrant server, such as http://localhost:6333"),
        open_client(url=url),
    ):
        pass


@pytest.mark.parametrize("grpc", [False, True])
def test_only_a_key_that_others_can_read_is_worth_a_warning(grpc: bool) -> None:
    server: dict[str, Any] = {"api_key": KEY, "grpc": grpc}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for url in ("http://localhost:6333", "localhost:6333", "http://127.0.0.1:6333", "http://[::1]:6333"):
            with open_client(url=url, **server):
                pass
        with open_client(url="https://qdrant.example.org", **server):
            pass
    with pytest.warns(UserWarning, match="insecure connection"), open_client(url="http://qdrant.example.org", **server):
        pass
