"""`specter2 models`: what can be loaded by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from specter2_plugins.checkpoints import FAMILIES, MINI
from specter2_plugins.cli.console import output, print_json
from specter2_plugins.cli.options import AsJson, Device
from specter2_plugins.tasks import BASE, TASK_FORMATS

_MINI_NOTE = "MiniLM with adapters shipped in this package; works offline; it is not SPECTER2"


def models(
    check: Annotated[bool, typer.Option("--check", help="Print what this machine computes with instead.")] = False,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """List the models that --model knows by name, with their adapters."""
    if check:
        _show_machine(device, as_json)
    elif as_json:
        print_json(
            [{"name": name, "adapters": dict(family.adapters)} for name, family in FAMILIES.items()]
            + [{"name": MINI, "note": _MINI_NOTE}]
        )
    else:
        _show_models()


def _show_models() -> None:
    for name, family in FAMILIES.items():
        output.print(name, style="bold")
        for task, repo in family.adapters.items():
            output.print(f"  {task:<15} {repo}")
        if not family.adapters:
            output.print("  no adapters")
    output.print(MINI, style="bold")
    output.print(f"  {_MINI_NOTE}")
    output.print("\nTasks")
    for task, task_format in TASK_FORMATS.items():
        output.print(f"  {task:<15} {task_format.purpose}")
    output.print(f"  {BASE:<15} the base with no adapter")


def _show_machine(device: str | None, as_json: bool) -> None:
    from specter2_plugins.engine.machine import Machine

    found = asdict(Machine.of(device))
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            output.print(f"{name.replace('_', ' '):<22} {value}")
