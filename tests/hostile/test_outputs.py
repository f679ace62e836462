"""Files that would be read and written by one command: refused, and left as they are, whatever the command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer")

from specter2_plugins.cli.outputs import Fills, Reads, Writes
from tests.cli.commands import COMMANDS, Parameter, Words, line
from tests.cli.conftest import Command, specter2
from tests.conftest import Oracle

__all__ = ["specter2"]

CONTENT = '{"id": "1", "title": "Graphs"}\n'
NO_FILES = {
    *("url", "api_key", "collection", "name", "new", "filter", "vector", "device", "devices", "dtype", "ray"),
    *("file_format", "field", "encoding", "task", "preset", "distance", "quantization", "source_name", "query", "near"),
    *("paper_ids", "title", "abstract", "negative", "since", "through", "push_to_hub", "on"),
}
"""Texts of options that name no file."""

WAYS: dict[str, Callable[[Path, Path], object]] = {
    "same": lambda file, link: None,
    "symbolic": lambda file, link: link.symlink_to(file),
    "hard": lambda file, link: link.hardlink_to(file),
}
VALUES = {"adapter": "proximity={}", "origins": "doi:{}", "sparse": "splade:{}"}
"""How options name a file within a text."""
ONE_FILE = {"api_key_file", "citations", "config", "file", "files", "origins", "queries"}
"""What takes no folder."""


def pairs() -> Iterator[tuple[Words, Parameter, Parameter]]:
    """Yield each command with each of what it writes and each of what it reads."""
    for words, parameters in COMMANDS.items():
        for written in parameters:
            if any(isinstance(mark, Writes) for mark in written.marks):
                for read in parameters:
                    if any(isinstance(mark, Reads) for mark in read.marks):
                        yield words, written, read


def test_each_text_of_a_command_is_known_to_name_files_or_none() -> None:
    """So a new option cannot pass by `outputs.py`, and with it by the tests below."""
    for words, parameters in COMMANDS.items():
        for one in parameters:
            if "Path" in str(one.kind) or "File" in str(one.kind) or "str" in str(one.kind):
                marked = any(isinstance(mark, Reads | Writes | Fills) for mark in one.marks)
                assert marked != (one.name in NO_FILES), f"{words}: is {one.name} read, written, or no file?"


def each_pair_in_each_way() -> Iterator[Any]:
    """A third of them is fast: each way, each option and each command is among these."""
    for number, (words, written, read) in enumerate(pairs()):
        for way, name in enumerate(WAYS):
            marks = pytest.mark.slow if (number + way) % len(WAYS) else ()
            id = "-".join([*words, written.name, read.name, name])
            yield pytest.param(words, written, read, name, marks=marks, id=id)


@pytest.mark.parametrize(("words", "written", "read", "way"), list(each_pair_in_each_way()))
def test_no_output_is_an_input(
    specter2: Command, tmp_path: Path, words: Words, written: Parameter, read: Parameter, way: str
) -> None:
    output = tmp_path / "out.npz"
    file = output if way == "same" else tmp_path / "model.safetensors"
    file.write_text(CONTENT)
    WAYS[way](file, output)
    named = VALUES.get(read.name, "{}").format(tmp_path if way == "hard" and read.name not in ONE_FILE else file)
    done = specter2(*line(words, {written.name: str(output), read.name: named}))
    said = re.sub(r"[\s│]", "", done.err)
    assert (done.code, "wouldbeoverwritten" in said or "liesinthestore" in said) == (2, True), done.err
    assert file.read_text() == CONTENT
    assert set(tmp_path.iterdir()) == {file, output}


@pytest.mark.parametrize(
    ("words", "store"),
    [
        (words, one)
        for words, parameters in COMMANDS.items()
        for one in parameters
        if any(isinstance(mark, Writes) for mark in one.marks) and any(other.name == "store" for other in parameters)
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else getattr(value, "name", None),
)
def test_nothing_is_written_into_a_store(specter2: Command, tmp_path: Path, words: Words, store: Parameter) -> None:
    done = specter2(*line(words, {store.name: str(tmp_path / "store" / "new.jsonl"), "store": str(tmp_path / "store")}))
    assert (done.code, list(tmp_path.iterdir())) == (2, [])


def test_patterns_and_what_configurations_name(specter2: Command, tmp_path: Path) -> None:
    papers = tmp_path / "in.jsonl"
    papers.write_text(CONTENT)
    assert specter2("embed", tmp_path / "i*.jsonl", "--out", papers).code == 2
    config = tmp_path / "tasks.jsonl"
    config.write_text(json.dumps({"name": "a", "data": {"meta": "in.jsonl", "test": {"name": "hub"}}}) + "\n")
    config.write_text(config.read_text() + '{"a": ["/", "/**/*", "", "\\u0000", 5, {"b": "' + "x" * 9000 + '"}]}\n')
    for option in ("--out", "--plot"):  # nor is a whole disk searched because a configuration says so
        assert specter2("evaluate", config, option, papers, "--model", "mini").code == 2
    assert papers.read_text() == CONTENT


def test_two_outputs_are_two_files(specter2: Command, tmp_path: Path) -> None:
    papers, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    papers.write_text(CONTENT)
    assert specter2("embed", papers, "--out", out, "--rejects", f"{tmp_path}/./out.jsonl").code == 2
    assert specter2("ingest", papers, "--store", tmp_path / "s", "--report", out, "--rejects", out).code == 2
    assert list(tmp_path.iterdir()) == [papers]


@pytest.mark.parametrize("words", [("train",), ("train-sparse",)])
@pytest.mark.parametrize("place", ["", "base", "adapters/a"])
def test_no_model_is_trained_over_the_one_it_starts_from(
    specter2: Command, tmp_path: Path, words: Words, place: str
) -> None:
    model = tmp_path / "model" / place
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    option = "model" if words == ("train",) else "base"
    done = specter2(*line(words, {option: str(model), "out": str(tmp_path / "link")}))
    assert done.code == 2
    assert "would be overwritten" in done.err.replace("\n", " ")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [model / "config.json"]


@pytest.mark.slow
def test_each_file_is_written_beside_and_renamed(specter2: Command, tmp_path: Path, oracle: Oracle) -> None:
    """What was there stays whole under another link, and nothing unfinished is left; for each option that writes."""
    papers, citations, store = tmp_path / "in.jsonl", tmp_path / "citations.csv", tmp_path / "store"
    papers.write_text("".join(json.dumps({"id": str(n), "title": f"Graphs {n}"}) + "\n" for n in range(8)) + "{}\n")
    citations.write_text("citing,cited\n1,2\n")
    submissions, reviewers = tmp_path / "submissions.csv", tmp_path / "reviewers"
    submissions.write_text("id,title\ns1,Graphs\n")
    reviewers.mkdir()
    (reviewers / "ann.jsonl").write_text('{"id": "1", "title": "Graphs"}\n')
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    for split in ("train", "test"):
        rows = [{"text": f"{label} {n}", "label": label} for n in range(6) for label in ("owls", "bees")]
        (tasks / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = ("--model", oracle.models)
    runs: dict[Words, tuple[object, ...]] = {
        ("ingest",): (papers, "--store", store, *model),
        ("check",): (papers,),
        ("embed",): (papers, *model),
        ("mine",): (papers, "--citations", citations),
        ("evaluate",): (tasks, "--model", "mini"),
        ("affinity",): ("--submissions", submissions, "--reviewers", reviewers, "--each", "1", *model),
        ("collections", "export"): ("papers", "--store", store),
        ("collections", "backup"): ("papers", "--store", store),
    }
    endings = {"--plot": ".svg", "--report": ".json"}
    writing = {
        words: [one.typed for one in parameters if any(isinstance(mark, Writes) for mark in one.marks)]
        for words, parameters in COMMANDS.items()
    }
    assert {words for words, options in writing.items() if options} == set(runs)
    for words, arguments in runs.items():
        given: list[object] = []
        files = []
        for option in writing[words]:
            file = tmp_path / f"{'-'.join(words)}{option}{endings.get(option, '.jsonl')}"
            file.write_text("old")
            (tmp_path / f"{file.name}.old").hardlink_to(file)
            given += [option, file]
            files.append(file)
        done = specter2(*words, *arguments, *given)
        assert done.code == 0, (words, done.err)
        for file in files:
            assert (tmp_path / f"{file.name}.old").read_text() == "old"
            assert file.read_bytes() != b"old"
    assert list(tmp_path.rglob("*.unfinished")) == []
