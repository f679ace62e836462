"""`specter2 ingest`: its counts, how it is stopped, and what it says when something is wrong."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("typer")

from specter2_plugins.cli import options
from specter2_plugins.cli.stopping import command_line
from specter2_plugins.pipeline.ingestion import ingest as pipeline
from specter2_plugins.qdrant import open_client
from specter2_plugins.store.faults import Retries
from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.qdrant.server import Server


def write(path: Path, count: int, **more: object) -> Path:
    lines = [{"id": str(number), "title": f"Graphs {number}", **more} for number in range(count)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def at(tmp_path: Path, oracle: Oracle) -> tuple[str, ...]:
    return "--store", str(tmp_path / "store"), "--model", str(oracle.models)


def test_counts_for_people_and_for_programs(specter2: Command, tmp_path: Path, at: tuple[str, ...]) -> None:
    papers, counts = tmp_path / "papers.jsonl", tmp_path / "counts.json"
    done = specter2("ingest", write(papers, 5), *at, "--report", counts)
    assert done.out == "papers: read 5 = ingested 5 + unchanged 0 + duplicate 0 + rejected 0\n"
    report = json.loads(counts.read_text())
    assert (report["read"], report["embedded"], report["collection"]) == (5, 5, "papers")
    assert 0 < report["encoding_seconds"] <= report["seconds"]

    dry = specter2("ingest", write(papers, 3, year=2001), *at, "--dry-run", "--delete-missing")
    assert "ingested 3 (3 only in their metadata)" in dry.out
    assert dry.out.endswith("; deleted 2, if it were no dry run\n")
    refused = specter2("ingest", papers, *at, "--delete-missing")
    assert refused.code == 1
    assert "nothing is deleted: 2 of the 5 papers of papers.jsonl#" in refused.err
    assert json.loads(specter2("ingest", papers, *at, "--delete-missing", "--yes", "--json").out)["deleted"] == 2
    assert "unchanged 3" in specter2("ingest", papers, *at).out


def test_a_dry_run_makes_no_store(specter2: Command, tmp_path: Path, at: tuple[str, ...]) -> None:
    papers = write(tmp_path / "papers.jsonl", 5)
    assert "ingested 5" in specter2("ingest", papers, *at, "--dry-run").out
    assert list(tmp_path.iterdir()) == [papers]


def test_counts_that_cannot_be_kept_are_told_at_once(specter2: Command, tmp_path: Path, at: tuple[str, ...]) -> None:
    papers = write(tmp_path / "papers.jsonl", 5)
    done = specter2("ingest", papers, *at, "--report", tmp_path / "nowhere" / "counts.json")
    assert (done.code, done.err) == (1, f"error: {tmp_path}/nowhere/counts.json: No such file or directory\n")
    assert list(tmp_path.iterdir()) == [papers]


def test_a_record_that_no_store_can_hold_is_one_that_is_rejected(
    specter2: Command, tmp_path: Path, at: tuple[str, ...]
) -> None:
    papers, rejects = write(tmp_path / "papers.jsonl", 4), tmp_path / "rejects.jsonl"
    bad = '{"id": "odd", "title": "Odd", "score": ' + "[" * 130 + "]" * 130 + "}"
    papers.write_text(f"{bad}\n{papers.read_text()}")
    done = specter2("ingest", papers, *at, "--rejects", rejects)
    assert done.code == 0
    assert done.out == "papers: read 5 = ingested 4 + unchanged 0 + duplicate 0 + rejected 1\n"
    assert f"rejected {papers}:1 (odd): metadata.score[0]" in done.err
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [1]
    assert "unchanged 4 + duplicate 0 + rejected 1" in specter2("ingest", papers, *at).out
    embedded = specter2("embed", papers, "--out", f"{tmp_path}/embeddings/", *at[2:])
    assert f"rejected {papers}:1 (odd)" in embedded.err
    assert "ingested 4 + unchanged 0 + duplicate 0 + rejected 1" in embedded.err


class Terminal(io.StringIO):
    """Where somebody types."""

    def isatty(self) -> bool:
        return True


def test_only_what_its_own_file_no_longer_holds_is_deleted(
    specter2: Command, tmp_path: Path, at: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(tmp_path / "first.jsonl", 30), tmp_path / "second.jsonl"
    second.write_text('{"id": "x", "title": "Another"}\n')
    specter2("ingest", first, *at)
    done = specter2("ingest", second, *at, "--delete-missing")
    assert done.out == "papers: read 1 = ingested 1 + unchanged 0 + duplicate 0 + rejected 0\n"
    write(first, 28)
    (tmp_path / "link.jsonl").symlink_to(first)
    assert specter2("ingest", tmp_path / "l*.jsonl", *at, "--delete-missing").out.endswith("; deleted 2\n")
    write(first, 20)
    refused = specter2("ingest", first, *at, "--delete-missing")
    assert (refused.code, refused.out) == (1, "")
    assert "nothing is deleted: 8 of the 28 papers of first.jsonl#" in refused.err
    assert "run the same with --yes" in refused.err
    from specter2_plugins.cli import ingest as command

    monkeypatch.setattr(command.errors, "_force_terminal", True)
    for answer, deleted in (("n\n", 0), ("", 0), ("y\n", 8)):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        asked = specter2("ingest", first, *at, "--delete-missing", "--json")
        assert "Delete 8 of the source's 28 papers, which it brings no more? [y/N]" in asked.out + asked.err
        assert json.loads(asked.out[asked.out.index("{") :])["deleted"] == deleted
    assert specter2("ingest", second, *at).out.startswith("papers: read 1 = ingested 0 + unchanged 1")


def test_a_source_that_has_no_name(
    specter2: Command, tmp_path: Path, at: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = specter2("ingest", "-", *at, "--delete-missing")
    assert refused.code == 2
    assert "name it: --source NAME" in " ".join(refused.err.replace("│", " ").split())
    for option in ("--yes", "--adopt"):
        assert specter2("ingest", tmp_path / "x.jsonl", *at, option).code == 2
    for count, deleted in ((30, ""), (28, "; deleted 2")):
        text = write(tmp_path / "papers.jsonl", count).read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        done = specter2("ingest", "-", *at, "--delete-missing", "--source", "library")
        assert done.out.endswith(f"rejected 0{deleted}\n")
    done = specter2("ingest", tmp_path / "papers.jsonl", *at, "--source", "a\nb")
    assert (done.code, done.err[:30]) == (1, "error: the source's name is 'a")


def test_settings_reach_the_collection(specter2: Command, tmp_path: Path, at: tuple[str, ...]) -> None:
    papers = write(tmp_path / "papers.jsonl", 2)
    shape = ("--task", "proximity", "-t", "classification", "--sparse", "bm25", "--distance", "cosine")
    assert specter2("ingest", papers, *at, *shape, "-c", "wide", "--preset", "server").code == 0
    with open_client(at[1]) as client:
        params = client.get_collection("wide").config.params
    assert set(params.vectors) == {"proximity", "classification"}
    assert set(params.sparse_vectors) == {"bm25"}
    assert params.vectors["proximity"].distance == "Cosine"
    wrong = specter2("ingest", papers, *at, "--preset", "huge")
    assert (wrong.code, wrong.err) == (1, "error: preset is 'huge', expected one of laptop, server, cluster\n")


def test_a_store_in_use(specter2: Command, tmp_path: Path, at: tuple[str, ...]) -> None:
    papers = write(tmp_path / "papers.jsonl", 1)
    with open_client(at[1]):
        done = specter2("ingest", papers, *at)
    assert done.code == 1
    assert done.err.startswith(f"error: the store {at[1]} is open already in process {os.getpid()} (")
    assert done.err.endswith("); close it there, or run a Qdrant server\n")


def run_mounted(tmp_path: Path, mount: str, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script that sees a disk at $DISK, which no one else does; skip the test where that cannot be."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["unshare", "--mount", *options, "sh", "-c", f"{mount} || exit 77\n{script}"]
    if not shutil.which("unshare"):
        pytest.skip("needs Linux")
    done = subprocess.run(
        command, env={**os.environ, "DISK": str(folder)}, capture_output=True, text=True, timeout=250, check=False
    )
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip(f"may not mount here: {done.stderr}")
    return done


def test_a_store_that_cannot_be_written(tmp_path: Path, oracle: Oracle) -> None:
    papers = write(tmp_path / "papers.jsonl", 1)
    ingest = f"{sys.executable} -m specter2_plugins ingest {papers} --store $DISK/store --model {oracle.models}"
    namespace = ("--user", "--map-root-user")
    done = run_mounted(tmp_path, "mount -t tmpfs -o ro tmpfs $DISK", ingest, *namespace)
    assert done.stderr == f"error: cannot use the store {tmp_path}/disk/store: Read-only file system\n"
    assert done.returncode == 1


@pytest.mark.slow
def test_a_disk_that_fills_up(tmp_path: Path, oracle: Oracle) -> None:
    first, papers = write(tmp_path / "first.jsonl", 1), write(tmp_path / "papers.jsonl", 8000)
    ingest = f"{sys.executable} -m specter2_plugins ingest --store $DISK/store --model {oracle.models}"
    image = tmp_path / "image"
    mount = f"truncate -s 200M {image} && mkfs.ext4 -q {image} && mount -o loop {image} $DISK"
    script = f"""
        {ingest} {first}
        free=$(df --output=avail -k $DISK | tail -1)
        head -c $((free - 66 * 1024))K /dev/zero > $DISK/ballast
        {ingest} {papers}; echo "exit code $?"
        rm $DISK/ballast
        {ingest} {papers}
    """
    done = run_mounted(tmp_path, mount, script)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("ingesting: ")]
    full = f"error: the disk of the store {tmp_path}/disk/store is full; make room and run the same again. "
    assert [line[: len(full)] for line in errors] == [full]
    kept = int(errors[0][len(full) :].split(" papers are kept. Go on with: specter2 ingest ")[0])
    assert done.stdout.splitlines()[1:] == [
        "exit code 1",
        f"papers: read 8000 = ingested {8000 - kept} + unchanged {kept} + duplicate 0 + rejected 0",
    ]
    assert kept > 1


def test_a_server_that_goes_away_leaves_a_way_on(
    specter2: Command, tmp_path: Path, oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)
    monkeypatch.setattr(options, "PAPERS_AT_ONCE", 8)
    monkeypatch.setattr(pipeline, "Retries", lambda: Retries(attempts=2, first_wait=0.01))
    papers = write(tmp_path / "papers.jsonl", 40)
    with Server(api_key="very-secret") as server:
        arguments = ("ingest", papers, "--url", server.url, "--model", oracle.models, "--api-key", "very-secret")
        server.faults.add("PUT /collections/papers/points", 503, skip=2)
        done = specter2(*arguments)
        assert done.code == 1
        line = done.err.splitlines()[-1]
        assert line.startswith(f"error: the Qdrant server {server.url} answered 503 Service Unavailable: ")
        assert "16 papers are kept. Go on with: specter2 ingest " in line
        assert line.endswith('--api-key "$QDRANT_API_KEY"')
        assert "very-secret" not in done.err + done.out
        server.faults.clear()
        server.faults.add("PUT /collections/papers/points", 503)
        assert "16 papers are kept. Go on with: specter2 ingest " in specter2(*arguments).err
        server.faults.clear()
        assert "ingested 24 + unchanged 16" in specter2(*arguments).out
        refused = specter2(*arguments[:-1], "wrong-key")
        assert "refuses the API key" in refused.err
        assert "wrong-key" not in refused.err


def test_grpc_gives_what_rest_gives(specter2: Command, tmp_path: Path, oracle: Oracle) -> None:
    papers = write(tmp_path / "papers.jsonl", 5)
    with Server(api_key="very-secret", grpc=True) as server:
        rest = ("--url", server.url, "--model", oracle.models, "--api-key", "very-secret")
        grpc = (*rest, "--grpc", "--grpc-port", server.address["grpc_port"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert "ingested 5 + unchanged 0" in specter2("ingest", papers, *grpc, "--sparse", "bm25").out
            assert "ingested 0 + unchanged 5" in specter2("ingest", papers, *rest, "--sparse", "bm25").out
            for command in (("search", "graphs 3", "--mode", "hybrid"), ("search", "graphs"), ("similar", "3")):
                by_grpc, by_rest = (json.loads(specter2(*command, *at, "--json").out) for at in (grpc, rest))
                assert [hit.pop("score") for hit in by_grpc] == pytest.approx([hit.pop("score") for hit in by_rest])
                assert by_grpc == by_rest != []
        refused = specter2("search", "graphs", *grpc[:-4], "wrong-key", *grpc[-3:])
        assert refused.err == (
            f"error: the Qdrant server {server.url} (gRPC on port {server.address['grpc_port']}) refuses the API key; "
            "give the right one in QDRANT_API_KEY\n"
        )


# The command sets gRPC's verbosity before it brings gRPC in, which this does first.
WITH_FEW_RETRIES = """
import os
os.environ["GRPC_VERBOSITY"] = "NONE"
from specter2_plugins.cli import main
from specter2_plugins.store.faults import Retries
from specter2_plugins.pipeline.ingestion import ingest
ingest.Retries = lambda: Retries(attempts=2, first_wait=0.01)
main()
"""


def test_a_connection_that_is_lost_is_one_line(tmp_path: Path, oracle: Oracle) -> None:
    papers = write(tmp_path / "papers.jsonl", 50_000)
    with Server(api_key="very-secret", grpc=True) as server:
        at = ("--url", server.url, "--grpc", "--grpc-port", str(server.address["grpc_port"]), "--api-key=very-secret")
        command = [sys.executable, "-c", WITH_FEW_RETRIES, "ingest", str(papers), *at, "--model", str(oracle.models)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and len(server.calls("PUT /collections/papers/points")) < 3:
                time.sleep(0.01)
            server.stop()
            out, err = process.communicate(timeout=250)
        server.start()
    assert (process.returncode, out) == (1, ""), err
    *progress, line = err.splitlines()
    assert all(shown.startswith("ingesting: ") for shown in progress), err
    assert line.startswith(f"error: cannot reach the Qdrant server {server.url} (gRPC on port ")
    assert " papers are kept. Go on with: specter2 ingest " in line
    assert "very-secret" not in err


def test_a_key_that_others_can_read_is_one_line_of_warning(specter2: Command) -> None:
    search = specter2("search", "x", "--url", "http://host.invalid", "--api-key", "very-secret", "--mode", "sparse")
    warning, error = search.err.splitlines()
    assert warning == "warning: Api key is used with an insecure connection."
    assert error.startswith("error: cannot reach the Qdrant server http://host.invalid: ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_cleanly(tmp_path: Path, at: tuple[str, ...], number: signal.Signals, code: int) -> None:
    papers = write(tmp_path / "papers.jsonl", 50_000, abstract="graph networks of the ocean " * 40)
    command = [sys.executable, "-m", "specter2_plugins", "ingest", str(papers), *at]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in a shell's background ignores Ctrl-C, and what it starts inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        while line and not re.match("ingesting: [1-9]", line):
            line = process.stderr.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=250)
    finally:
        process.kill()
    assert process.returncode == code, err
    kept = int(err.split("stopped; ")[1].split(" papers are kept. Go on with: specter2 ingest ")[0])
    with open_client(at[1]) as client:
        assert client.count("papers").count == kept > 0
    assert "Traceback" not in out + err


@contextmanager
def signalled(number: signal.Signals, when: Callable[[], bool]) -> Iterator[None]:
    """Send this process a signal once something is so."""

    def watch() -> None:
        while not when():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    watcher.join()


def test_a_stop_ends_the_wait_for_a_server_that_fails(specter2: Command, tmp_path: Path, oracle: Oracle) -> None:
    papers = write(tmp_path / "papers.jsonl", 5_000)
    with Server() as server:
        failing = server.faults.add("PUT /collections/papers/points", 503, skip=1)
        with signalled(signal.SIGTERM, lambda: failing.fired >= 4):
            done = specter2("ingest", papers, "--url", server.url, "--model", oracle.models)
    assert done.code == 143
    assert done.err.splitlines()[-1].startswith("stopped; 256 papers are kept. Go on with: specter2 ingest ")


def test_a_stop_ends_the_wait_for_input(
    specter2: Command, at: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    end, begin = os.pipe()
    lines = write(tmp_path / "papers.jsonl", 256).read_bytes()
    with os.fdopen(end) as source, os.fdopen(begin, "wb") as never_ends:
        never_ends.write(lines)
        never_ends.flush()
        monkeypatch.setattr(sys, "stdin", source)
        with signalled(signal.SIGTERM, (tmp_path / "store" / "edge.json").exists):
            done = specter2("ingest", "-", *at)
    assert done.code == 143
    assert " papers are kept. Go on with: specter2 ingest - " in done.err.splitlines()[-1]


def test_a_second_signal_waits_for_nothing(tmp_path: Path, oracle: Oracle) -> None:
    papers = write(tmp_path / "papers.jsonl", 1000)
    with Server() as server:
        server.faults.add("PUT /collections/papers/points", "delay", seconds=100)
        command = [sys.executable, "-m", "specter2_plugins", "ingest", papers, "--url", server.url]
        with subprocess.Popen(
            [*map(str, command), "--model", str(oracle.models)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            while process.poll() is None and not server.calls("PUT /collections/papers/points"):
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(2)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=90)
    # A shell says 143 to both: by its own exit, or by the signal where it was on its way out already.
    assert process.returncode in (143, -signal.SIGTERM), err
    assert err.splitlines()[-1].startswith("stopped; 0 papers are kept. Go on with: specter2 ingest ")


def test_the_command_that_goes_on_can_be_pasted() -> None:
    assert command_line(["ingest", "my papers.bib", "--url", "http://x"]) == (
        "specter2 ingest 'my papers.bib' --url http://x"
    )
    for arguments in (["--api-key", "s3cret"], ["--api-key=s3cret"]):
        shown = command_line(["ingest", *arguments])
        assert "s3cret" not in shown
        assert '"$QDRANT_API_KEY"' in shown
