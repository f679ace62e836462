"""Formats of other packages, found by their entry points: the one of the documentation, installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from specter2_plugins import PaperError
from specter2_plugins.readers import FORMATS
from specter2_plugins.readers.registry import register

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
CACM = ".I 1\n.T\nOwls at night\n.W\nThey see.\n.A\nNoctua, A.\n.B\nCACM, 1958\n.I 2\n.T\nBats\nat dusk\n"


def install(folder: Path, module: str, value: str) -> None:
    info = folder / "my_package-1.dist-info"
    info.mkdir()
    (folder / "my_package.py").write_text(module)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[specter2_plugins.readers]\nsmart = {value}\n")


def read(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from specter2_plugins.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_documented_plugin_reads(tmp_path: Path) -> None:
    pytest.importorskip("typer")
    section = DOCS.read_text(encoding="utf-8").partition("## A format of your own")[2]
    module = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert module is not None
    install(tmp_path, module[1], "my_package:SMART")
    (tmp_path / "cacm.txt").write_text(CACM)
    result = json.loads(read(tmp_path, "check", str(tmp_path / "cacm.txt"), "--json").stdout)
    assert (result["papers"], result["files"][0]["format"], result["files"][0]["without_abstract"]) == (2, "smart", 1)


def test_a_plugin_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    pytest.importorskip("typer")
    install(tmp_path, "raise RuntimeError('broken')", "my_package:SMART")
    (tmp_path / "a.csv").write_text("title\tabstract\nOwls\tThey see.\n")
    done = read(tmp_path, "check", str(tmp_path / "a.csv"))
    assert "read 1 = 1 papers" in done.stdout
    assert "the reader smart (my_package:SMART) cannot be loaded: broken" in done.stderr


def test_no_two_formats_have_a_name() -> None:
    with pytest.raises(PaperError, match="two formats named 'ris'"):
        register(FORMATS["ris"])
