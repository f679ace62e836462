"""Secrets in URLs and keys: in no output, log or error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("typer")

from specter2_plugins.addresses import shown, without_secrets
from specter2_plugins.errors import StoreError
from specter2_plugins.pipeline.ingestion import ingest
from specter2_plugins.pipeline.sources import source_of
from specter2_plugins.qdrant import open_client
from specter2_plugins.store.faults import Retries
from tests.cli.conftest import Command, specter2
from tests.conftest import Oracle
from tests.qdrant.server import Server

__all__ = ["specter2"]

SECRETS = ("hunter2", "s3cret", "k3y-of-all", "us3r-name")
PLACES = [
    "http://us3r-name:hunter2@{at}",
    "http://us3r-name:hunter2@{at}/",
    "http://us3r-name@{at}",
    "http://us3r-name:hunter2%40s3cret@{at}",
]
BROKEN = [
    "http://us3r-name:hunter2@{at}/?api-key=s3cret",
    "http://{at}?api-key=s3cret&x=hunter2#hunter2",
    "http://{at}/#s3cret",
    "http://us3r-name%3As3cret:hunter2@{at}",
    "http://us3r-name:hunter2@host:99999/?k=s3cret",
    "http://us3r-name:hunter2@",
    "ftp://us3r-name:hunter2@host?k=s3cret",
    "http://us3r-name:hunter2 s3cret@host",
    "http://us3r-name:hunter2/s3cret@host",
    "http://us3r-name:1/s3cret@host",
    "http://us3r-name:hunter2?s3cret@host",
    "http://us3r-name:hunter2#s3cret@host",
    "http://us3r-name:hunter2'\"<s3cret@host:x",
    "us3r-name:hunter2@",
    "//us3r-name:hunter2@host",
    "http:/us3r-name:hunter2@host",
    "http://[us3r-name:hunter2@host",
]
CLOSED = "127.0.0.1:1"


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert [secret for secret in SECRETS if secret in text] == []


def chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error} {error!r}"
        error = error.__cause__ or error.__context__


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever any logger says, however quiet it was made."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith(("http", "grpc", "qdrant", "specter"))]
    with caplog.at_level(logging.DEBUG):
        for name in names:
            caplog.set_level(logging.DEBUG, logger=name)
        yield
    assert_no_secret(caplog.text, *(str(record.args) + record.getMessage() for record in caplog.records))


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ingest, "Retries", lambda: Retries(attempts=2, first_wait=0.01))
    path = tmp_path / "papers.jsonl"
    path.write_text('{"id": "1", "title": "Graphs"}\n')
    (tmp_path / "citations.csv").write_text("citing,cited\n1,2\n")
    return path


def commands(papers: Path, oracle: Oracle) -> list[tuple[object, ...]]:
    model = ("--model", oracle.models)
    mined = ("--citations", papers.parent / "citations.csv", "--out", papers.parent / "triplets.jsonl")
    return [
        ("search", "graphs", "--mode", "sparse"),
        ("similar", "1", *model),
        ("ingest", papers, *model),
        ("mine", papers, *mined, *model),
    ]


@pytest.mark.parametrize("grpc", [(), ("--grpc", "--grpc-port", "1")], ids=["rest", "grpc"])
def test_commands_that_reach_nobody(
    specter2: Command, papers: Path, oracle: Oracle, grpc: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    for command, place in zip(commands(papers, oracle), PLACES, strict=False):
        with everything_logged(caplog):
            done = specter2(*command, "--url", place.format(at=CLOSED), "--api-key", "k3y-of-all", *grpc)
        assert (done.code, done.out) == (1, "")
        assert "error: cannot reach the Qdrant server http://127.0.0.1:1" in done.err
        assert_no_secret(done.err)


@pytest.mark.parametrize("url", BROKEN)
def test_urls_that_are_none(specter2: Command, url: str, caplog: pytest.LogCaptureFixture) -> None:
    url = url.format(at=CLOSED)
    for given in (("--url", url), (f"--url={url}",)):
        with everything_logged(caplog):
            done = specter2("search", "graphs", "--mode", "sparse", *given, "--api-key", "k3y-of-all")
        assert done.code in (1, 2)
        assert_no_secret(done.err, done.out)


@pytest.mark.parametrize("place", [*PLACES, *BROKEN])
def test_what_python_raises(place: str, caplog: pytest.LogCaptureFixture) -> None:
    for grpc in (False, True):
        with (
            everything_logged(caplog),
            pytest.raises(StoreError) as refused,
            open_client(url=place.format(at=CLOSED), api_key="k3y-of-all", grpc=grpc, grpc_port=1, timeout=5) as client,
        ):
            client.get_collections()
        assert_no_secret(*chain(refused.value))


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_servers_that_refuse(specter2: Command, status: int, caplog: pytest.LogCaptureFixture) -> None:
    with Server() as server:
        server.faults.add(".*", status)
        for place in PLACES:
            with everything_logged(caplog):
                url = place.format(at=server.url.partition("://")[2])
                done = specter2("search", "graphs", "--mode", "sparse", "--url", url, "--api-key", "k3y-of-all")
            assert done.code == 1
            assert_no_secret(done.err, done.out)


@pytest.mark.parametrize("content", ["k3y-of-all s3cret\nhunter2", "k3y-of-all\x00", "\x80hunter2", "hunter2" * 3000])
def test_key_files_that_hold_no_key(specter2: Command, tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(content.encode("latin-1"))
    done = specter2("search", "graphs", "--mode", "sparse", "--url", f"http://{CLOSED}", "--api-key-file", file)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("error: ")
    assert str(file) in done.err
    assert_no_secret(done.err)


@pytest.mark.parametrize(
    "address",
    [
        "s3://us3r-name:hunter2@bucket with a space",
        "s3://us3r-name:hunter2@/folder",
        "s3://bucket/folder?secret_key=hunter2",
        "gs://us3r-name:hunter2@bucket/folder",
        "other://us3r-name:hunter2@host/folder?s3cret",
        "s3://us3r-name:hunter2@bucket?s3cret",
    ],
)
def test_addresses_of_object_storage(address: str) -> None:
    parts = pytest.importorskip("specter2_plugins.vectors.parts")
    with pytest.raises(StoreError) as refused:
        parts.Parts(address)
    assert_no_secret(str(refused.value), str(source_of(address)))  # the source stands in the payload of each paper
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://localhost:6333", "https://[::1]:6333/a/b", "host:1", "https://host/@name"])
def test_urls_without_secrets_stay(url: str) -> None:
    assert shown(url) == url
    assert without_secrets(f"see {url} there") == f"see {url} there"
