"""Files that would be read and written by one command: refused, and left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, specter2

__all__ = ["specter2"]


@pytest.mark.parametrize("how", ["same", "symbolic", "hard", "pattern"])
@pytest.mark.parametrize(
    "command", ["embed --out", "embed -o {other} --rejects", "ingest --rejects", "ingest --report"]
)
def test_no_output_destroys_an_input(specter2: Command, tmp_path: Path, how: str, command: str) -> None:
    papers, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    papers.write_text('{"id": "1", "title": "Graphs"}\n')
    if how == "symbolic":
        output.symlink_to(papers)
    elif how == "hard":
        output.hardlink_to(papers)
    else:
        output = papers
    name, *options = command.format(other=tmp_path / "other.npz").split()
    read = tmp_path / "i*.jsonl" if how == "pattern" else papers
    done = specter2(name, read, *options, output, *(["--store", tmp_path / "s"] if name == "ingest" else []))
    assert done.code == 2
    assert papers.read_text() == '{"id": "1", "title": "Graphs"}\n'
    assert not (tmp_path / "s").exists()
