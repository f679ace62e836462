"""Write docs/help.md from the command line itself: `make help-page`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from specter2_plugins.cli.app import app

PAGE = Path(__file__).parent.parent / "docs" / "help.md"
HEAD = """# The command line

Every command and option of `specter2`, as `specter2 COMMAND --help` tells them. This page is made by `make help-page`.
"""

_FIRST = {"Arguments": 0, "Options": 1}
"""Panels that come first; the others follow as they are declared."""


def page() -> str:
    """Return the page's text."""
    parts = [HEAD]
    for path, command in _commands(typer.main.get_command(app)):
        parts += _section(path, command)
    return "\n".join(parts).rstrip() + "\n"


def _commands(command: Any, path: tuple[str, ...] = ("specter2",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


def _section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=" ".join(path))
    inner = getattr(command, "commands", {})
    if len(path) > 1:
        yield f"{'#' * len(path)} {' '.join(path)}\n"
    yield f"{command.help}\n"
    yield f"```text\n{' '.join([*path, *command.collect_usage_pieces(context)])}\n```\n"
    panels: dict[str, list[str]] = {}
    for name, one in inner.items():
        link = "-".join((*path, name)).lower()
        row = f"| [`{name}`](#{link}) | {_cell(_first_sentence(one.help))} |"
        panels.setdefault(one.rich_help_panel or "Commands", []).append(row)
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            panel = parameter.rich_help_panel or f"{parameter.param_type_name.capitalize()}s"
            panels.setdefault(panel, []).append(f"| `{_cell(record[0])}` | {_cell(record[1])} |")
    for title, rows in sorted(panels.items(), key=lambda panel: _FIRST.get(panel[0], len(_FIRST))):
        yield "\n".join([f"| {title} | |", "|---|---|", *rows, ""])


def _first_sentence(text: str | None) -> str:
    return re.split(r"(?<=\.)\s", text or "", maxsplit=1)[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
