"""Keys of a file and of the environment, and names and passwords in URLs: they reach the server, or are refused."""

from __future__ import annotations

import os
import warnings
from base64 import b64decode
from pathlib import Path

import pytest

from specter2_plugins import StoreError
from specter2_plugins.qdrant import open_client
from specter2_plugins.store.credentials import API_KEY_VARIABLE, find_api_key
from tests.qdrant.server import Server


@pytest.fixture(autouse=True)
def no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(API_KEY_VARIABLE, raising=False)


def write(folder: Path, content: str) -> Path:
    path = folder / "key"
    path.write_text(content)
    return path


@pytest.mark.parametrize("grpc", [False, True])
def test_every_way_to_give_a_key(tmp_path: Path, grpc: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "right\n")
    with Server(api_key="right", grpc=grpc) as server:
        with open_client(**server.address, api_key_file=file) as client:
            client.get_collections()
        with pytest.raises(StoreError, match="refuses the API key"), open_client(**server.address) as client:
            client.get_collections()
        monkeypatch.setenv(API_KEY_VARIABLE, "right")
        with open_client(**server.address) as client:
            client.get_collections()
        monkeypatch.setenv(API_KEY_VARIABLE, "wrong")
        for given in ({"api_key": "right"}, {"api_key_file": file}):  # what is said goes before what is set
            with open_client(**server.address, **given) as client:
                client.get_collections()


def test_a_key_of_a_pipe(tmp_path: Path) -> None:
    read, write_end = os.pipe()
    os.write(write_end, b"right\n")
    os.close(write_end)
    assert find_api_key(api_key_file=f"/dev/fd/{read}") == "right"
    os.close(read)


def test_keys_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="one of an API key and a file"):
        find_api_key("a", tmp_path / "key")
    with pytest.raises(StoreError, match=r"cannot read the API key of .*key: No such file"):
        find_api_key(api_key_file=tmp_path / "key")
    with pytest.raises(StoreError, match="Is a directory"):
        find_api_key(api_key_file=tmp_path)
    with pytest.raises(StoreError, match=r"key is empty"):
        find_api_key(api_key_file=write(tmp_path, " \n"))
    with pytest.raises(StoreError, match="the API key is empty"):
        find_api_key("")
    monkeypatch.setenv(API_KEY_VARIABLE, "a\nb")
    with pytest.raises(StoreError, match=f"the variable {API_KEY_VARIABLE} holds a character"):
        find_api_key()
    monkeypatch.setenv(API_KEY_VARIABLE, "")
    assert find_api_key() is None


def test_a_folder_needs_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY_VARIABLE, "a\nb")
    with open_client(tmp_path / "store"):
        pass


@pytest.mark.parametrize("grpc", [False, True])
@pytest.mark.parametrize(
    ("user", "sent"),
    [("me:secret", "me:secret"), ("me", "me:"), (":secret", ":secret"), ("m%20e:s%40%2F%3A:x", "m e:s@/::x")],
)
def test_name_and_password_of_a_url_are_sent(grpc: bool, user: str, sent: str) -> None:
    with Server(grpc=grpc, api_key="key") as server:
        at = {**server.address, "url": server.url.replace("://", f"://{user}@")}
        with open_client(**at, api_key="key") as client:
            client.get_collections()
            client.collection_exists("papers")
        assert len(server.requests) >= 2
        for request in server.requests:
            kind, _, told = (request.authorization or "").partition(" ")
            assert (kind, b64decode(told).decode()) == ("Basic", sent)


def test_a_password_that_others_can_read_is_worth_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for url in ("http://me:secret@localhost:6333", "https://me:secret@qdrant.example.org"):
            with open_client(url=url):
                pass
    for url in ("http://me:secret@qdrant.example.org", "me@qdrant.example.org:6333"):
        with pytest.warns(UserWarning, match="password of the URL is used with an insecure"), open_client(url=url):
            pass
