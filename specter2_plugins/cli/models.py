"""`specter2 models`: what can be loaded by name."""

from __future__ import annotations

from specter2_plugins.checkpoints.families import families
from specter2_plugins.cli.console import output, print_json
from specter2_plugins.cli.options import AsJson
from specter2_plugins.tasks import BASE, TASK_FORMATS


def models(as_json: AsJson = False) -> None:
    """List the models that --model knows by name, with their adapters."""
    if as_json:
        print_json(
            [
                {"name": name, "adapters": dict(family.adapters)} | ({"note": family.note} if family.note else {})
                for name, family in families().items()
            ]
        )
        return
    for name, family in families().items():
        output.print(name, style="bold")
        if family.note:
            output.print(f"  {family.note}")
        for task, repo in family.adapters.items():
            output.print(f"  {task:<15} {repo}")
        if not family.adapters:
            output.print("  no adapters")
    output.print("\nTasks")
    for task, task_format in TASK_FORMATS.items():
        output.print(f"  {task:<15} {task_format.purpose}")
    output.print(f"  {BASE:<15} the base with no adapter")
