"""The command line, run as a user runs it, on `mini` and a real store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")

from specter2_plugins import __version__
from tests.cli.conftest import Command

BIB = """
@article{rank, title={Neural ranking models}, abstract={Deep networks score documents.}, year={2018}, author={Lin, Jo}}
@article{soil, title={Soil water under drip irrigation}, abstract={Moisture between emitters.}}
@misc{nothing, year={1999}}
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.bib"
    path.write_text(BIB)
    return path


def test_ingest_search_similar(specter2: Command, library: Path, tmp_path: Path) -> None:
    store, rejects = tmp_path / "store", tmp_path / "rejects.jsonl"
    at = ("--store", store, "--model", "mini")
    ingested = specter2("ingest", library, *at, "--rejects", rejects)
    assert ingested.code == 0
    assert ingested.out == "papers: read 3 = ingested 2 + unchanged 0 + duplicate 0 + rejected 1\n"
    assert "library.bib:4 (nothing): paper 'nothing': neither title nor abstract" in ingested.err
    assert [json.loads(line)["id"] for line in rejects.read_text().splitlines()] == ["nothing"]

    found = specter2("search", "ranking documents", *at, "--json")
    hits = json.loads(found.out)
    assert [hit["id"] for hit in hits] == ["rank", "soil"]
    assert hits[0]["metadata"] == {"type": "article", "year": 2018, "authors": ["Jo Lin"]}

    shown = specter2("search", "ranking documents", *at, "-n", 1)
    assert " 1. Neural ranking models\n    Jo Lin · 2018 · rank · score " in shown.out

    near = specter2("similar", "rank", *at, "--json")
    assert [hit["id"] for hit in json.loads(near.out)] == ["soil"]
    new = specter2("similar", "--title", "Ranking", *at, "--json")
    assert json.loads(new.out)[0]["id"] == "rank"


def test_embed_npz_and_jsonl(specter2: Command, library: Path, tmp_path: Path) -> None:
    assert specter2("embed", library, "--out", tmp_path / "v.npz", "--model", "mini").code == 0
    saved = np.load(tmp_path / "v.npz")
    assert saved["ids"].tolist() == ["rank", "soil"]
    assert saved["embeddings"].shape == (2, 384)
    assert specter2("embed", library, "--out", tmp_path / "v.jsonl", "--model", "mini").code == 0
    lines = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["rank", "soil"]
    np.testing.assert_allclose([line["embedding"] for line in lines], saved["embeddings"], atol=1e-6)


def test_models_lists_every_family(specter2: Command) -> None:
    listed = specter2("models", "--json")
    names = [entry["name"] for entry in json.loads(listed.out)]
    assert {"allenai/specter2_base", "allenai/specter2_aug2023refresh_base", "malteos/scincl", "mini"} <= set(names)
    assert "it is not SPECTER2" in specter2("models").out


def test_bench(specter2: Command) -> None:
    report = json.loads(specter2("bench", "--model", "mini", "--papers", 2, "--repeats", 1, "--json").out)
    reference, packed, narrow = report["ways"]
    assert (reference["ratio"], report["papers"]) == (1, 2)
    assert packed["min_cosine"] > 0.999999
    assert narrow["min_cosine"] > 0.98
    assert "papers/s" in specter2("bench", "--model", "mini", "--papers", 1, "--repeats", 1).out


def test_demo(specter2: Command, tmp_path: Path) -> None:
    shown = specter2("demo", "--store", tmp_path / "demo")
    assert shown.code == 0
    assert "it is not SPECTER2" in shown.out
    assert "emotion" in shown.out.split("Ad-hoc query")[1].split(" 1. ")[1].splitlines()[0].lower()
    again = specter2("demo", "--store", tmp_path / "demo").out
    assert "Ingested 0 papers into" in again
    assert "; 263 were there already" in again


def test_hits_fit_a_terminal_and_are_one_line_each_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from specter2_plugins import Paper
    from specter2_plugins.cli.console import output
    from specter2_plugins.cli.hits import show_hits
    from specter2_plugins.qdrant import Hit

    hits = [Hit(Paper("soil water " * 9, "roots take it up " * 20, id="soil"), 0.5, "point")]
    show_hits(hits)
    assert len(capsys.readouterr().out.splitlines()) == 3
    monkeypatch.setattr(output, "_force_terminal", True)
    monkeypatch.setattr(output, "_width", 40)
    show_hits(hits)
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert len(shown) > 6
    assert all(len(line) <= 40 for line in shown)
    assert shown[0].startswith(" 1. soil")
    assert all(re.match(r" {4}\S", line) for line in shown[1:])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("search", "x", "--store", "none", "--model", "mini"), "there is no store none; `specter2 ingest FILE"),
        (("ingest", "missing.bib", "--store", "s", "--model", "mini"), "cannot read missing.bib"),
        (("embed", "missing.bib", "-o", "v.npz", "--model", "mini", "--task", "reading"), "unknown task 'reading'"),
        (("embed", "missing.bib", "-o", "v.npz", "--model", "./nowhere"), "neither an existing folder (looked for"),
        (("similar", "--title", " ", "--store", "s", "--model", "mini"), "neither title nor abstract holds any text"),
        (("ingest", "empty.bib", "--store", "s", "--model", "mini"), "no papers in empty.bib (0 records rejected)"),
    ],
)
def test_failures_are_one_line_and_exit_code_1(
    specter2: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.bib").write_text("")
    result = specter2(*args)
    assert result.code == 1
    assert message in result.err
    assert [line for line in result.err.splitlines() if "error:" in line] == result.err.splitlines()[-1:]
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "args",
    [
        ("search",),
        ("search", "x"),
        ("search", "x", "--store", "s", "--url", "http://localhost:1"),
        ("search", "x", "--store", "s", "--limit", "0"),
        ("search", "x", "--url", "http://localhost:1", "--collection", ".."),
        ("ingest", "x.bib", "--store", "s", "--collection", ""),
        ("similar", "--store", "s"),
        ("embed", "a.bib", "--out", "vectors.txt"),
        ("nonsense",),
    ],
)
def test_usage_errors_exit_with_2(specter2: Command, args: tuple[str, ...]) -> None:
    assert specter2(*args).code == 2


def test_installed_command_answers_without_torch() -> None:
    script = "import sys; from specter2_plugins.cli import main; sys.argv = ['specter2', '--version']\n"
    script += (
        "try: main()\nexcept SystemExit as stop: code = stop.code\nassert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stdout.strip()) == (0, __version__), done.stderr
