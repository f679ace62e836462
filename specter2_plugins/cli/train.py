"""`specter2 train`: adapters of one's own, or a base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import AsJson

_TIMINGS = ("runtime", "samples_per_second", "steps_per_second")
_MODELS = {"adapters": "allenai/specter2_base", "base": "allenai/scibert_scivocab_uncased"}


def train(
    config: Annotated[Path, typer.Argument(help="SciRepEval's tasks_config, .json or .jsonl.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the result, checkpoints and logs.")],
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
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start adapters afresh, even those it has.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples to a step: 256, or 1024 for a base.")] = None,
    device_batch_size: Annotated[int | None, typer.Option(min=1, help="Examples in memory at once: 16.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--lr", help="Peak rate: 1e-4, or 2e-5 for a base.")] = None,
    head_learning_rate: Annotated[
        float | None, typer.Option("--head-lr", help="Peak rate of labelled tasks' linear layers: that of --lr.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the data: 6, or 2 for a base.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Steps, instead of epochs.")] = None,
    warmup: Annotated[float | None, typer.Option(help="Steps, or a share below 1: 1000, or 0.1 for a base.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=3, help="Where longer texts are cut: 512.")] = None,
    margin: Annotated[float | None, typer.Option(help="Of the triplet loss: 1.")] = None,
    sampling: Annotated[
        Literal["proportional", "round_robin"] | None,
        typer.Option(help="How tasks take turns: by their size (the default), or each as often as the smallest."),
    ] = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"] | None,
        typer.Option(help="Of the arithmetic; auto is the fastest that the hardware has."),
    ] = None,
    gradient_checkpointing: Annotated[
        bool | None, typer.Option("--gradient-checkpointing", help="Less memory, a third more time.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="Steps between checkpoints, and validations; by default an epoch.")
    ] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Checkpoints that stay: 2.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many validations without a better loss; keep the best.")
    ] = None,
    log_every: Annotated[int | None, typer.Option(min=1, help="Steps between lines of the log: 10.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, samples, batches and dropout: 42.")] = None,
    cpu: Annotated[bool | None, typer.Option("--cpu", help="Leave a GPU alone.")] = None,
    push_to_hub: Annotated[str | None, typer.Option(metavar="REPO", help="Push the result to the hub.")] = None,
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
    common: dict[str, Any] = {"resume": resume, "log": _print, "push_to_hub": push_to_hub}
    source = model or _MODELS[what]
    if what == "base" and fresh:
        raise typer.BadParameter("--fresh is for adapters")
    disable_progress_bar()
    datasets.disable_progress_bars()
    if what == "adapters":
        report = train_adapters(config, out, source, options=replace(ADAPTERS, **given), fresh=fresh, **common)
    else:
        report = train_base(config, out, source, options=replace(BASE, **given), **common)
    if as_json:
        print_json(report.to_dict())
    else:
        for name, value in report.metrics.items():
            output.print(f"{name} {value:.4f}")
        examples = sum(report.examples.values())
        output.print(f"{report.steps} steps on {examples} examples; the model is in {report.folder}")


def _print(step: int, steps: int, measured: dict[str, float]) -> None:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in measured.items() if name not in _TIMINGS)
    errors.print(f"step {step} of {steps}: {shown}")
