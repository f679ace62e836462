"""Secrets of every command that speaks with a server: in no output, file, log or traceback of it."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

pytest.importorskip("typer")

from specter2_plugins.store import client as store_client
from specter2_plugins.store.faults import Retries
from tests.cli.commands import COMMANDS, Words, line
from tests.cli.conftest import Command, specter2
from tests.conftest import Oracle
from tests.hostile.test_urls import CLOSED, assert_no_secret, everything_logged
from tests.qdrant.server import Answer, Request, Server

__all__ = ["specter2"]

SPEAKING = [words for words, parameters in COMMANDS.items() if any(one.name == "url" for one in parameters)]
WITH_KEYS = [words for words in SPEAKING if any(one.name == "api_key" for one in COMMANDS[words])]
KEY = "k3y-of-all"
USER = "us3r-name:hunter2@"


TOKEN = b64encode(USER.rstrip("@").encode()).decode()


class Echo:
    """Repeats in its errors what it was asked with, as a proxy may."""

    def answer(self, request: Request) -> Answer:
        assert request.authorization == f"Basic {TOKEN}"
        return Answer.refusal(500, f"{KEY} {USER} Basic {TOKEN}")

    def close(self) -> None: ...


@pytest.fixture
def values(tmp_path: Path, oracle: Oracle) -> dict[str, str]:
    """What commands are given beside the server."""
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(f'{{"id": "{n}", "title": "Graphs {n}"}}\n' for n in range(8)))
    (tmp_path / "citations.csv").write_text("citing,cited\n1,2\n")
    (tmp_path / "key").write_text(f"{KEY}\n")
    return {
        **{"files": str(papers), "citations": str(tmp_path / "citations.csv"), "model": str(oracle.models)},
        **{"name": "papers", "new": "other", "like": "graphs", "query": "graphs", "paper_ids": "1"},
        **{"file": str(tmp_path / "backup"), "report_file": str(tmp_path / "report"), "since": "1d"},
    }


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retries.__init__, "__defaults__", (2, 0.01, 0.01, *Retries.__init__.__defaults__[3:]))


def given(words: Words, values: dict[str, str], folder: Path) -> list[str]:
    known = {one.name for one in COMMANDS[words]} - ({"name", "new"} if words[0] != "collections" else set())
    ending = {"export": ".jsonl", "backup": ""}.get(words[-1], ".jsonl")
    out = {"out": str(folder / f"{words[-1]}{ending}")} if "out" in known else {}
    return line(words, {name: value for name, value in values.items() if name in known} | out)


def ways(at: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield each way in which secrets are given."""
    yield ["--url", f"http://{USER}{at}", "--api-key", KEY]
    yield [f"--url=http://{USER}{at}/", "--api-key-file", str(folder / "key")]
    yield ["--url", f"http://{at}/?api-key=s3cret", f"--api-key={KEY}"]
    with monkeypatch.context() as environment:
        environment.setenv("QDRANT_URL", f"http://{USER}{at}")
        environment.setenv("QDRANT_API_KEY", KEY)
        yield []
        yield ["--no-such-option"]
        yield ["--help"]


def test_each_command_that_takes_a_url_takes_a_key_by_a_file() -> None:
    assert WITH_KEYS == SPEAKING
    assert all(any(one.name == "api_key_file" for one in COMMANDS[words]) for words in SPEAKING)


LOADING = [pytest.param(("ingest",), marks=pytest.mark.slow, id="ingest")]
"""What loads a model before it speaks with a server."""


@pytest.mark.parametrize(
    "words", [*LOADING, *(pytest.param(one, id="-".join(one)) for one in SPEAKING if one != ("ingest",))]
)
def test_nobody_answers(
    specter2: Command,
    values: dict[str, str],
    tmp_path: Path,
    words: Words,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "backup").write_text("")
    by_grpc = ["--url", f"http://{USER}{CLOSED}", "--api-key", KEY, "--grpc", "--grpc-port", "1"]
    for way in chain(ways(CLOSED, tmp_path, monkeypatch), [by_grpc] if words == ("collections", "list") else []):
        with everything_logged(caplog):
            done = specter2(*given(words, values, tmp_path), *way)
        assert done.code == (0 if way == ["--help"] else 2 if way == ["--no-such-option"] else 1)
        assert_no_secret(done.err, done.out)
        if way == ["--help"]:
            assert "in ps" in " ".join(done.out.replace("│", " ").split())


@pytest.mark.slow
@pytest.mark.parametrize("words", SPEAKING, ids="-".join)
def test_who_answers_repeats_them(
    specter2: Command,
    values: dict[str, str],
    tmp_path: Path,
    words: Words,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("specter2_plugins.store.faults._LONG_WAIT", 0)  # each wait is told of
    (tmp_path / "backup").write_text("")
    with Server(Echo()) as server:
        for way in ways(server.url.removeprefix("http://"), tmp_path, monkeypatch):
            if not {"--help", "--no-such-option", "--grpc"} & set(way):
                with everything_logged(caplog):
                    done = specter2(*given(words, values, tmp_path), *way)
                assert done.code == 1
                assert_no_secret(done.err, done.out)
                assert TOKEN not in done.err + caplog.text
                assert "error: " in done.err


@pytest.mark.parametrize("words", SPEAKING, ids="-".join)
def test_a_bug_shows_none(
    specter2: Command,
    values: dict[str, str],
    tmp_path: Path,
    words: Words,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def bug(*args: object) -> None:
        raise ZeroDivisionError(repr(sys._getframe(2).f_locals.get("self")))

    (tmp_path / "backup").write_text("")
    monkeypatch.setattr(store_client, "_remote", bug)
    for way in [["--url", f"http://{USER}{CLOSED}", "--api-key", KEY], ["--url", f"http://{CLOSED}?api-key=s3cret"]]:
        with pytest.raises(ZeroDivisionError) as raised:
            specter2(*given(words, values, tmp_path), *way)
        sys.excepthook(raised.type, raised.value, raised.tb)
        said = capsys.readouterr()
        assert "ZeroDivisionError" in said.err
        assert_no_secret(said.err, said.out)


@pytest.mark.slow
def test_commands_that_succeed(
    specter2: Command, values: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What they say, write and store holds none either."""
    order: list[Words] = [("ingest",), ("collections", "backup"), *SPEAKING, ("collections", "delete")]
    order.remove(("collections", "rename"))  # where another needs the old name
    order.insert(-1, ("collections", "rename"))
    (tmp_path / "key").write_text(KEY)
    with Server(api_key=KEY) as server:
        at = ["--url", server.url.replace("://", f"://{USER}"), "--api-key-file", str(tmp_path / "key")]
        for words in dict.fromkeys([word for word in order if word != ("collections", "delete")]):
            more = ["--as", "restored"] if words[-1] == "restore" else []
            with everything_logged(caplog):
                done = specter2(*given(words, values, tmp_path), *at, *more)
            assert done.code == 0, (words, done.err)
            assert_no_secret(done.err, done.out)
        with everything_logged(caplog):
            done = specter2("collections", "delete", "other", "--yes", *at)
        assert done.code == 0
        assert_no_secret(done.err, done.out)
        assert_no_secret(*(str(request.body) for request in server.requests if hasattr(request, "body")))
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "key":
            assert_no_secret(path.read_bytes().decode("latin-1"))
