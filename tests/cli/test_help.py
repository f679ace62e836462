"""`--help`: what people use comes first, the rest in panels with names."""

from __future__ import annotations

import pytest
import typer

from specter2_plugins.cli.app import app
from tests.cli.conftest import Command

FIRST_SCREEN = 7
"""Six options and --help itself; those that must be given are beside them."""


def paths(group: object, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(group, "commands", None)
    if inner is None:
        return [before]
    return [path for name, command in inner.items() for path in paths(command, (*before, name))]


@pytest.mark.parametrize("path", paths(typer.main.get_command(app)), ids=" ".join)
def test_the_first_screen_is_calm(specter2: Command, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = specter2(*path, "--help")
    assert shown.code == 0
    first, *_ = shown.out.partition("─ Options ─")[2].partition("╰─")
    options = [line for line in first.splitlines() if line.startswith(("│ --", "│    --"))]
    assert 1 <= len(options) <= FIRST_SCREEN
