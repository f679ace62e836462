"""`specter2 evaluate`: how good a model's embeddings are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import DEFAULT_MODEL, AsJson, Device, Dtype, Model, load_model
from specter2_plugins.cli.outputs import check_outputs, write_text
from specter2_plugins.errors import Specter2Error
from specter2_plugins.printable import to_json

if TYPE_CHECKING:
    from specter2_plugins.evaluation import Report


def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="SciRepEval task configurations (.jsonl), BEIR folders, CACM, CISI, folders of {text, label} lines.",
            show_default=False,
        ),
    ],
    model: Model = DEFAULT_MODEL,
    adapter: Annotated[
        str | None, typer.Option(help="Send every text through this adapter, or base; by default each task's own.")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="A task by its name; may be repeated. By default all.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps embeddings for the next run.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write the scores as JSON, after each task.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where to draw the scores: .png, .svg or .pdf.")] = None,
    device: Device = None,
    dtype: Dtype = None,
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
    check_outputs({"--out": out, "--plot": plot}, paths)
    if plot is not None:
        check_plot(plot)
    tasks = read_tasks(*paths, names=task or None)
    encoder = load_model(model, device, dtype)

    def scores(report: Report) -> dict[str, Any]:
        return {"model": model, **report.to_dict()}

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
        report = run(encoder, tasks, adapter=adapter, cache=cache, progress=errors.is_terminal, after_task=keep)
    except Specter2Error:
        for report in finished:
            with suppress(OSError, Specter2Error):
                show(report)
        raise
    show(report)
