"""`specter2 train-sparse`: pairs of queries and texts -> a SPLADE model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.options import AsJson, Device, hide_loading_bars
from specter2_plugins.cli.outputs import FILLS_MODEL, READS, READS_MODEL
from specter2_plugins.cli.progress import progress
from specter2_plugins.cli.train import print_step

RECIPE = "Recipe"


def train_sparse(
    pairs: Annotated[
        str,
        typer.Argument(
            help="File or hub data set of pairs: query (question, anchor), and document (answer, positive, passage) or "
            "title and abstract."
        ),
        READS,
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model."), FILLS_MODEL],
    base: Annotated[
        str, typer.Option(help="Hub name or folder of a SPLADE or a masked language model."), READS_MODEL
    ] = "google-bert/bert-base-uncased",
    evaluate: Annotated[
        str | None, typer.Option(help="Folder or hub data set in NanoBEIR's format, to measure the model on."), READS
    ] = None,
    on: Annotated[list[str] | None, typer.Option(help="Part of it, such as NanoNQ; by default all.")] = None,
    epochs: Annotated[float, typer.Option(min=0, help="Passes over the pairs.")] = 1,
    batch_size: Annotated[int, typer.Option(min=2, help="Pairs to a step.")] = 32,
    learning_rate: Annotated[
        float, typer.Option("--lr", min=0, help="Highest learning rate.", rich_help_panel=RECIPE)
    ] = 2e-5,
    document_regularizer: Annotated[
        float, typer.Option(min=0, help="Larger makes documents sparser.", rich_help_panel=RECIPE)
    ] = 3e-5,
    query_regularizer: Annotated[
        float, typer.Option(min=0, help="Larger makes queries sparser.", rich_help_panel=RECIPE)
    ] = 5e-5,
    rank: Annotated[
        int, typer.Option(min=0, help="Rank of LoRA; 0 trains the whole model.", rich_help_panel=RECIPE)
    ] = 64,
    max_tokens: Annotated[
        int | None, typer.Option(min=8, help="Where texts are cut; by default as the base.", rich_help_panel=RECIPE)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of pairs.", rich_help_panel=RECIPE)] = 0,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Train a SPLADE model, LoRA on a base, for sparse and hybrid search: --sparse splade:FOLDER."""
    if on and evaluate is None:
        raise typer.BadParameter("--on names parts of what --evaluate names")
    from specter2_plugins.sparse.evaluation import evaluate_splade, table
    from specter2_plugins.sparse.training import Recipe, read_pairs, train_splade

    recipe = Recipe(epochs, batch_size, learning_rate, document_regularizer, query_regularizer, rank, max_tokens, seed)
    rows = read_pairs(pairs)
    hide_loading_bars()
    with progress("training", unit="steps") as on_step:
        model = train_splade(base, rows, recipe, device=device, log=print_step, on_step=on_step)
    # Before it is measured, which may fail, and again with what was measured, for its card.
    model.save_pretrained(str(out))
    results = {}
    if evaluate is not None:
        results = evaluate_splade(model, evaluate, on)
        model.save_pretrained(str(out))
    if as_json:
        print_json({"model": str(out), "results": results})
    else:
        errors.print(f"Trained {out}. Use it with: --sparse splade:{out}")
        if results:
            output.print(table(results))
