"""docs/help.md is what the command line says of itself."""

from __future__ import annotations

import re
import runpy
from importlib.metadata import version

import pytest

from tests.docs.pages import ROOT

pytest.importorskip("typer")


def test_the_page_is_what_the_commands_say() -> None:
    locked = re.findall(r"^typer==([\d.]+)", (ROOT / "requirements" / "modern.txt").read_text(), re.MULTILINE)
    assert locked
    if version("typer") not in locked:
        pytest.skip("another typer words its help in another way")
    page = runpy.run_path(str(ROOT / ".ci" / "help_page.py"))["page"]
    assert (ROOT / "docs" / "help.md").read_text(encoding="utf-8") == page(), "make help-page"


def test_every_command_has_its_section() -> None:
    from specter2_plugins.cli.app import app

    names = {command.name for command in app.registered_commands} | {"collections list", "collections backup"}
    sections = set(re.findall(r"^#+ specter2 (.+)$", (ROOT / "docs" / "help.md").read_text(), re.MULTILINE))
    assert names <= sections
