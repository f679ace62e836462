"""The option --adapter: which adapters a model is loaded with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from specter2_plugins.checkpoints.families import families
from specter2_plugins.cli.outputs import READS_ADAPTERS
from specter2_plugins.errors import TaskError
from specter2_plugins.tasks import by_task

if TYPE_CHECKING:
    from specter2_plugins.checkpoints.plan import Adapters

NONE = "none"
COMPUTING = "Model and machine"

AdapterSources = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter",
        metavar="TASK=FOLDER_OR_ID",
        help="An adapter instead of the model's own, once for each task; a family's name for all of that family's; "
        "none for the base alone.",
        rich_help_panel=COMPUTING,
    ),
    READS_ADAPTERS,
]


def chosen_adapters(values: Sequence[str] | None) -> Adapters:
    """Return what `load_specter2` takes as `adapters`.

    Args:
        values: Of the option, as they were given.

    Raises:
        typer.BadParameter: If they name no adapters, or contradict one another.
    """
    if not values:
        return None
    if len(values) == 1 and values[0].lower() == NONE:
        return {}
    if len(values) == 1 and values[0] in families():
        return values[0]
    named = []
    for value in values:
        task, equals, source = value.partition("=")
        if not equals or not task.strip() or not source:
            raise typer.BadParameter(
                f"{value!r} is not TASK=FOLDER_OR_ID; alone it can also be {NONE}, or a family that "
                "specter2 models lists",
                param_hint="--adapter",
            )
        named.append((task.strip(), source))
    try:
        return by_task(named)
    except TaskError as error:
        raise typer.BadParameter(str(error), param_hint="--adapter") from None
