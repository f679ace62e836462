"""`specter2 train`: adapters of one's own, or a base."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from specter2_plugins.cli.adapters import AdapterSources, chosen_adapters
from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import AsJson, load_model
from specter2_plugins.cli.outputs import FILLS_MODEL, READS_MODEL, READS_TASKS
from specter2_plugins.cli.progress import progress
from specter2_plugins.cli.stopping import command_line, stoppable

_TIMINGS = ("runtime", "samples_per_second", "steps_per_second")
_MODELS = {"adapters": "allenai/specter2_base", "base": "allenai/scibert_scivocab_uncased"}

RECIPE = "Recipe"


def train(
    config: Annotated[
        Path, typer.Argument(help="SciRepEval's tasks_config, .json or .jsonl.", show_default=False), READS_TASKS
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the result, checkpoints and logs."), FILLS_MODEL],
    what: Annotated[
        Literal["adapters", "base"], typer.Option("--train", help="Adapters on a frozen base, or all of a base.")
    ] = "adapters",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="What to start from: a hub name, 'mini' or a folder. By default SPECTER2's base and adapters, or for "
            "a base SciBERT.",
        ),
        READS_MODEL,
    ] = None,
    adapter: AdapterSources = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start adapters afresh, even those it has.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Examples to a step: 256, or 1024 for a base.", rich_help_panel=RECIPE)
    ] = None,
    device_batch_size: Annotated[
        int | None, typer.Option(min=1, help="Examples in memory at once: 16.", rich_help_panel=RECIPE)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--lr", help="Peak rate: 1e-4, or 2e-5 for a base.", rich_help_panel=RECIPE)
    ] = None,
    head_learning_rate: Annotated[
        float | None,
        typer.Option(
            "--head-lr", help="Peak rate of labelled tasks' linear layers: that of --lr.", rich_help_panel=RECIPE
        ),
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the data: 6, or 2 for a base.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps, instead of epochs.", rich_help_panel=RECIPE)
    ] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Steps, or a share below 1: 1000, or 0.1 for a base.", rich_help_panel=RECIPE)
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=3, help="Where texts are cut in training: as the model does.", rich_help_panel=RECIPE),
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Of the triplet loss: 1.", rich_help_panel=RECIPE)] = None,
    sampling: Annotated[
        Literal["proportional", "round_robin"] | None,
        typer.Option(
            help="How tasks take turns: by their size (the default), or each as often as the smallest.",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"] | None,
        typer.Option(help="Of the arithmetic; auto is the fastest that the hardware has.", rich_help_panel=RECIPE),
    ] = None,
    gradient_checkpointing: Annotated[
        bool | None,
        typer.Option("--gradient-checkpointing", help="Less memory, a third more time.", rich_help_panel=RECIPE),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            min=1, help="Steps between checkpoints, and validations; by default an epoch.", rich_help_panel=RECIPE
        ),
    ] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Checkpoints that stay: 2.", rich_help_panel=RECIPE)] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1, help="Stop after so many validations without a better loss; keep the best.", rich_help_panel=RECIPE
        ),
    ] = None,
    log_every: Annotated[
        int | None, typer.Option(min=1, help="Steps between lines of the log: 10.", rich_help_panel=RECIPE)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of weights, samples, batches and dropout: 42.", rich_help_panel=RECIPE)
    ] = None,
    cpu: Annotated[bool | None, typer.Option("--cpu", help="Leave a GPU alone.")] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(metavar="REPO", help="Push the result to the hub.", rich_help_panel=RECIPE)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train adapters on a frozen base, or a base, on tasks in SciRepEval's formats."""
    from specter2_plugins.training import ADAPTERS, BASE, train_adapters, train_base  # isort: skip  # names the extra
    import datasets
    from transformers.utils.logging import disable_progress_bar

    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "device_batch_size": device_batch_size,
        "learning_rate": learning_rate,
        "head_learning_rate": head_learning_rate,
        "epochs": epochs,
        "max_steps": max_steps,
        "warmup": warmup,
        "max_tokens": max_tokens,
        "margin": margin,
        "sampling": sampling,
        "precision": precision,
        "gradient_checkpointing": gradient_checkpointing,
        "every": every,
        "keep": keep,
        "patience": patience,
        "log_every": log_every,
        "seed": seed,
        "cpu": cpu,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    common: dict[str, Any] = {"resume": resume, "log": print_step, "push_to_hub": push_to_hub}
    source = model or _MODELS[what]
    if what == "base" and fresh:
        raise typer.BadParameter("--fresh is for adapters")
    if what == "base" and adapter:
        raise typer.BadParameter("--adapter is for adapters: a base is trained without any")
    adapters = chosen_adapters(adapter)
    disable_progress_bar()
    datasets.disable_progress_bars()
    with (
        stoppable(lambda: _kept(out), partial(_how_to_go_on, resume=resume)),
        progress("training", unit="steps") as common["on_step"],
    ):
        if what == "adapters":
            start = source if adapters is None else load_model(source, "cpu" if cpu else None, adapters=adapters)
            report = train_adapters(config, out, start, options=replace(ADAPTERS, **given), fresh=fresh, **common)
        else:
            report = train_base(config, out, source, options=replace(BASE, **given), **common)
    if as_json:
        print_json(report.to_dict())
    else:
        for name, value in report.metrics.items():
            output.print(f"{name} {value:.4f}")
        examples = sum(report.examples.values())
        output.print(f"{report.steps} steps on {examples} examples; the model is in {report.folder}")


def _kept(out: Path) -> int:
    """Return the steps of the last checkpoint; 0 where there is none."""
    from specter2_plugins.training.same_run import last_checkpoint, step_of

    last = last_checkpoint(out)
    return 0 if last is None else step_of(last)


def _how_to_go_on(steps: int, resume: bool) -> str:
    if not steps:
        return f"no checkpoint is there yet. Begin again with: {command_line(sys.argv[1:])}"
    arguments = sys.argv[1:] if resume else [*sys.argv[1:], "--resume"]
    return f"the checkpoint of step {steps} is kept. Go on with: {command_line(arguments)}"


def print_step(step: int, steps: int, measured: dict[str, float]) -> None:
    """Print what was measured after a step."""
    shown = ", ".join(f"{name} {value:.4g}" for name, value in measured.items() if name not in _TIMINGS)
    errors.print(f"step {step} of {steps}: {shown}")
