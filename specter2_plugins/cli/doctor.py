"""`specter2 doctor`: what would be loaded from where, whether it computes rightly here, and what to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from specter2_plugins.addresses import without_secrets
from specter2_plugins.cli.adapters import AdapterSources, chosen_adapters
from specter2_plugins.cli.console import output, print_json
from specter2_plugins.cli.options import DEFAULT_MODEL, AsJson, Device, Dtype, hide_loading_bars
from specter2_plugins.cli.outputs import READS_MODEL

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.examine import Examination

_WIDTH = 22


def doctor(
    model: Annotated[
        str,
        typer.Argument(envvar="SPECTER2_MODEL", help="Hub name of a base, 'mini' (offline, not SPECTER2) or a folder."),
        READS_MODEL,
    ] = DEFAULT_MODEL,
    adapter: AdapterSources = None,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Tell what would be loaded from where, check a known pair of vectors, and say what to mend.

    The exit code is 1 if the model cannot be loaded, or computes something else than it should.
    """
    from specter2_plugins.sentence_transformers.examine import examine

    hide_loading_bars()
    found = examine(model, chosen_adapters(adapter), device, dtype)
    if as_json:
        print_json({**asdict(found), "variables": {k: without_secrets(v) for k, v in found.variables.items()}})
    else:
        _show(found)
    if found.faults:
        raise typer.Exit(1)


def _show(found: Examination) -> None:
    _section("Model", {"asked for": found.asked, **found.base})
    adapters = {
        task: where["folder"] if where["source"] == where["folder"] else f"{where['source']}, in {where['folder']}"
        for task, where in found.adapters.items()
    }
    _section("Adapters", adapters | {task: f"missing: {repo}" for task, repo in found.missing.items()} or {"": "none"})
    _section("Computes", found.computes)
    _section("Machine", {name.replace("_", " "): value for name, value in found.machine.items()})
    _section("Versions", found.versions)
    _section("Downloads", {"caches": ", ".join(found.caches), **found.variables})
    check = found.check
    if check:
        known = check["expected"]
        lines: dict[str, object] = {
            "from transformers": f"{check['difference']:.1e} of a vector's length",
            **{f"{task} moves by": f"{far:.4f}" for task, far in check["adapters"].items()},
        }
        if check["distance"] is not None:
            told = f"known to be {known:.4f}" if known is not None else "nobody has measured it for this model"
            lines["query to paper"] = f"{check['distance']:.4f} ({told})"
        _section("Self-check", lines)
    for title, said in (("Notes", found.notes), ("Wrong", found.faults), ("What to do", found.advice)):
        if said:
            output.print(title, style="bold")
            for line in said:
                output.print(f"  {line}")
    output.print("Nothing is wrong." if not found.faults else f"{len(found.faults)} wrong.")


def _section(title: str, lines: Mapping[str, object]) -> None:
    if lines:
        output.print(title, style="bold")
        for name, value in lines.items():
            output.print(f"  {name:<{_WIDTH}} {value}")
