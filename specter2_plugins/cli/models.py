"""`specter2 models`: what can be loaded by name."""

from __future__ import annotations

from specter2_plugins.checkpoints import FAMILIES, MINI
from specter2_plugins.cli.console import output, print_json
from specter2_plugins.cli.options import AsJson
from specter2_plugins.tasks import BASE, TASK_FORMATS

_MINI_NOTE = "MiniLM with adapters shipped in this package; works offline; it is not SPECTER2"


def models(as_json: AsJson = False) -> None:
    """List the models that --model knows by name, with their adapters."""
    if as_json:
        print_json(
            [{"name": name, "adapters": dict(family.adapters)} for name, family in FAMILIES.items()]
            + [{"name": MINI, "note": _MINI_NOTE}]
        )
        return
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
