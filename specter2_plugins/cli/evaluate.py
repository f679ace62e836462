"""`specter2 evaluate`: how good a model's embeddings are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specter2_plugins.cli.console import output, print_json
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.options import AsJson, ModelOptions
from specter2_plugins.cli.outputs import READS_TASKS, WRITES, Fills
from specter2_plugins.cli.progress import progress
from specter2_plugins.errors import Specter2Error
from specter2_plugins.printable import to_json
from specter2_plugins.writers.files import write_text

if TYPE_CHECKING:
    from specter2_plugins.evaluation import Report, Stage


@expand_groups
def evaluate(
    by: ModelOptions,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="SciRepEval task configurations (.jsonl), BEIR folders, CACM, CISI, folders of {text, label} lines.",
            show_default=False,
        ),
        READS_TASKS,
    ],
    through: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Send every text through one adapter, or base; by default each task's own."),
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="A task by its name; may be repeated. By default all.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps embeddings for the next run."), Fills()] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write the scores as JSON, after each task."), WRITES
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where to draw the scores: .png, .svg or .pdf."), WRITES] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a model on benchmarks and print a table; rankings have BM25 and a hybrid beside them."""
    from specter2_plugins.evaluation import check_plot, read_tasks, save_plot
    from specter2_plugins.evaluation import evaluate as run

    for path in (out, plot):
        if path is not None and not path.parent.is_dir():
            raise typer.BadParameter(f"{path.parent} is no folder", param_hint="--out or --plot")
        if path is not None and path.is_dir():
            raise typer.BadParameter(f"{path} is a folder", param_hint="--out or --plot")
    if plot is not None:
        check_plot(plot)
    tasks = read_tasks(*paths, names=task or None)
    encoder = by.load()

    def scores(report: Report) -> dict[str, Any]:
        return {"model": by.model, **report.to_dict()}

    finished: list[Report] = []

    def keep(report: Report) -> None:
        finished[:] = [report]
        if out is not None:
            write_text(out, to_json(scores(report), indent=2) + "\n")

    def show(report: Report) -> None:
        if as_json:
            print_json(scores(report))
        else:
            output.print(report.table())
        if plot is not None:
            save_plot(report, plot)

    try:
        with progress("evaluating", unit="texts") as shown:

            def follow(stage: Stage) -> None:
                shown.stage(f"{stage.task}: {stage.doing}", stage.unit)
                shown(stage.done, stage.total, stage.worked, read=stage.total)

            report = run(encoder, tasks, adapter=through, cache=cache, on_stage=follow, after_task=keep)
    except Specter2Error:
        for report in finished:
            with suppress(OSError, Specter2Error):
                show(report)
        raise
    show(report)
