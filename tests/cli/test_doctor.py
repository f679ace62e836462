"""`specter2 doctor` and `--adapter`, as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.conftest import Oracle


def test_doctor_shows_and_prints_json(specter2: Command, oracle: Oracle) -> None:
    shown = specter2("doctor", oracle.models, "--device", "cpu")
    assert shown.code == 0, shown.out + shown.err
    assert shown.out.splitlines()[0] == "Model"
    assert shown.out.endswith("Nothing is wrong.\n")
    for word in ("proximity", "pooling                cls", "packed", "query to paper", "transformers"):
        assert word in shown.out
    found = json.loads(specter2("doctor", oracle.models, "--device", "cpu", "--json").out)
    assert set(found["adapters"]) == {"proximity", "adhoc_query", "classification", "regression"}
    assert found["check"]["difference"] < 1e-4


def test_doctor_fails_where_the_model_does(specter2: Command, oracle: Oracle, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(oracle.base, tmp_path / "base"))
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    done = specter2("doctor", folder, "--adapter", "none")
    assert done.code == 1
    assert "is a Git LFS pointer" in done.out
    assert done.out.endswith("1 wrong.\n")
    found = specter2("doctor", folder, "--json")
    assert found.code == 1
    assert len(json.loads(found.out)["faults"]) == 1


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"id": "1", "title": "Graphs", "abstract": "Nodes and edges."}\n')
    return path


def embedded(specter2: Command, papers: Path, *options: object) -> np.ndarray:
    out = papers.with_suffix(".npz")
    done = specter2("embed", papers, "--out", out, "--device", "cpu", *options)
    assert done.code == 0, done.err
    return np.load(out)["embeddings"]


def test_adapters_on_the_command_line(specter2: Command, papers: Path, oracle: Oracle, tmp_path: Path) -> None:
    base = Path(shutil.copytree(oracle.base, tmp_path / "bert"))
    folder = oracle.models / "adapters"
    every = embedded(specter2, papers, "-m", oracle.models, "--task", "clf")
    one = embedded(specter2, papers, "-m", base, "--adapter", f"[CLF]={folder / 'classification'}", "--task", "[CLF]")
    np.testing.assert_allclose(one, every, atol=1e-6)
    several = ("--adapter", f"prx={folder / 'proximity'}", "--adapter", f"query={folder / 'adhoc_query'}")
    assert embedded(specter2, papers, "-m", base, *several, "--task", "adhoc").shape == (1, 48)
    bare = embedded(specter2, papers, "-m", oracle.models, "--adapter", "none")
    assert np.abs(bare - embedded(specter2, papers, "-m", oracle.models)).max() > 0.1
    np.testing.assert_allclose(bare, embedded(specter2, papers, "-m", oracle.models, "--task", "base"), atol=1e-6)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["nonsense"], "is not TASK=FOLDER_OR_ID"),
        (["=x"], "is not TASK=FOLDER_OR_ID"),
        (["proximity="], "is not TASK=FOLDER_OR_ID"),
        (["none", "proximity=x"], "is not TASK=FOLDER_OR_ID"),
        (["prx=a", "[PRX]=b"], "two adapters are named for the task"),
        (["base=a"], "no adapter can be called"),
    ],
)
def test_adapters_that_are_none(
    values: list[str], told: str, specter2: Command, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    options = [part for value in values for part in ("--adapter", value)]
    done = specter2("embed", papers, "--out", papers.with_suffix(".npz"), "-m", "mini", *options)
    assert done.code == 2
    assert told in done.err


def test_a_base_that_needs_adapters_is_one_line(
    specter2: Command, papers: Path, oracle: Oracle, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(oracle.base, tmp_path / "specter2_base"))
    shutil.copytree(oracle.models / "adapters" / "proximity", tmp_path / "specter2")
    query = specter2("embed", papers, "--out", papers.with_suffix(".npz"), "-m", base, "--task", "query")
    assert query.code == 1
    assert "task 'query' (the adapter 'adhoc_query') needs an adapter" in query.err
