"""stdout is for the answer alone: for each command with --json, whatever else writes there, and with faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

pytest.importorskip("typer")
pytest.importorskip("qdrant_client")
pytest.importorskip("accelerate")
pytest.importorskip("pytrec_eval")

from specter2_plugins.cli.app import app
from tests.cli.conftest import Command
from tests.conftest import Oracle
from tests.sparse.conftest import write_masked_language_model
from tests.training.conftest import MESH

NOISY = """
import json, os, sys

from specter2_plugins.cli import main

def noise(event, details):
    if event == "open" and sys.stdout is sys.stderr:  # within a command
        os.write(1, b"\\x1b[33mnoise of a library\\x1b[0m\\n")

sys.addaudithook(noise)
for number, arguments in enumerate(json.load(sys.stdin)):
    file = os.open(f"answer-{number}", os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    sys.stdout = open(1, "w", closefd=False)
    sys.argv = ["specter2", *arguments]
    try:
        main()
    except SystemExit:
        print("noise of a library", flush=True) if sys.stdout is sys.stderr else sys.stdout.flush()
"""


ANYONE = """
import os, subprocess, sys

from specter2_plugins.cli.answers import answering
from specter2_plugins.cli.console import output

@answering
def command():
    print("python")
    os.write(1, b"c\\n")
    subprocess.run(["echo", "process"])
    output.print("answer")

command()
command()
print("after")
"""


def test_only_the_answer_is_on_stdout() -> None:
    run = subprocess.run([sys.executable, "-c", ANYONE], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "answer\nanswer\nafter\n"
    assert sorted(run.stderr.split()) == ["c", "c", "process", "process", "python", "python"]


def with_json() -> dict[str, Any]:
    """All commands that have --json, by their names."""
    group: Any = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        for other, one in {name: command}.items() if inner is None else inner.items():
            if any("--json" in parameter.opts for parameter in one.params):
                found[other if inner is None else f"{name} {other}"] = one
    return found


def faulty(command: Any, options: tuple[str, ...]) -> list[str]:
    """Arguments of which no file, model or store is there, as far as the command takes them."""
    given = list[str]()
    for parameter in command.params:
        named = [name for name in parameter.opts if name in options]
        if parameter.param_type_name == "argument":
            given.append("nowhere.jsonl")
        elif named or parameter.required:
            given += [(named or parameter.opts)[0], "nowhere"]
    return given


@pytest.mark.parametrize("options", [(), ("--model",), ("--store",), ("--model", "--store"), ("--device", "--store")])
@pytest.mark.parametrize("name", with_json())
def test_a_command_that_fails_answers_nothing_else(
    name: str, options: tuple[str, ...], specter2: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    command = with_json()[name]
    arguments = faulty(command, options)
    if {*options} - {*arguments} or (name in ("models", "bench") and not options):
        return
    done = specter2(*name.split(), *arguments, "--json")
    assert done.code != 0, done.out
    assert not done.out or json.loads(done.out)
    assert done.err or done.out  # doctor answers with what is wrong
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_whatever_is_printed_an_answer_is_json(oracle: Oracle, tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    rows = ['{"id": "1", "title": "Graphs"}', "{broken", '{"id": "2"}', '{"id": "1", "title": "Another one"}']
    papers.write_text("\n".join(rows) + "\n")
    (tmp_path / "tasks.json").write_text(json.dumps([MESH]))
    (tmp_path / "pairs.jsonl").write_text(
        '{"query": "bees", "document": "hox genes"}\n{"query": "soil", "document": "t"}\n'
    )
    write_masked_language_model(tmp_path / "masked")
    ranking = tmp_path / "beir"
    (ranking / "qrels").mkdir(parents=True)
    (ranking / "corpus.jsonl").write_text('{"_id": "a", "title": "Graphs", "text": ""}\n')
    (ranking / "queries.jsonl").write_text('{"_id": "q", "text": "graph"}\n')
    (ranking / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    model, store = ["--model", str(oracle.models)], ["--store", str(tmp_path / "store")]
    commands = [
        ["check", str(papers)],
        ["ingest", str(papers), *store, *model, "--device", "cpu"],
        ["search", "graphs", *store, *model],
        ["similar", "1", *store],
        ["collections", "list", *store],
        ["collections", "info", "papers", *store],
        ["new", "--like", "owls", *model, *store],
        ["collections", "export", "papers", "-o", str(tmp_path / "exported.jsonl"), *store],
        ["collections", "backup", "papers", "-o", str(tmp_path / "papers.backup"), *store],
        ["collections", "restore", str(tmp_path / "papers.backup"), "--as", "again", *store],
        ["collections", "rename", "again", "other", *store],
        ["collections", "delete", "other", "--yes", *store],
        [
            "train",
            str(tmp_path / "tasks.json"),
            "-o",
            str(tmp_path / "out"),
            *model,
            "--max-steps",
            "1",
            "--cpu",
            "--max-tokens",
            "8",
        ],
        ["train-sparse", "pairs.jsonl", "-o", "splade", "--base", "masked", "--rank", "0", "--device", "cpu"],
        ["evaluate", str(ranking), *model],
        ["models"],
        ["doctor"],
        ["bench", *model, "--papers", "1", "--repeats", "1"],
    ]
    run = subprocess.run(
        [sys.executable, "-c", NOISY],
        input=json.dumps([[*command, "--json"] for command in commands]),
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    answers = {}
    for number, command in enumerate(commands):
        text = (tmp_path / f"answer-{number}").read_text()
        assert text.startswith(("{", "[")), (command, text, run.stderr[-2000:])
        answers[command[0]] = json.loads(text)
    assert "noise of a library" in run.stderr
    assert answers["ingest"]["rejected"] == 2
    names = {" ".join(command[:2]) if command[0] == "collections" else command[0] for command in commands}
    assert names == set(with_json())
