"""The command line: its commands, and how an error ends it."""

from __future__ import annotations

import os
import sys
import warnings

import typer

from specter2_plugins import __version__
from specter2_plugins.cli import (
    affinity,
    bench,
    check,
    collections,
    demo,
    doctor,
    embed,
    evaluate,
    ingest,
    mine,
    models,
    new,
    search,
    train,
    train_sparse,
)
from specter2_plugins.cli.answers import answering
from specter2_plugins.cli.console import errors, print_logs
from specter2_plugins.cli.outputs import protecting
from specter2_plugins.errors import MissingExtraError, Specter2Error

app = typer.Typer(
    help="SPECTER2 embeddings of scientific papers: embed, ingest into Qdrant, search.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COLLECTIONS, VECTORS, LABORATORY, ABOUT = "Collections", "Vectors", "Laboratory", "About"
for panel, name, command in (
    (COLLECTIONS, "demo", demo.demo),
    (COLLECTIONS, "check", check.check),
    (COLLECTIONS, "ingest", ingest.ingest),
    (COLLECTIONS, "search", search.search),
    (COLLECTIONS, "similar", search.similar),
    (COLLECTIONS, "new", new.new),
    (VECTORS, "embed", embed.embed),
    (VECTORS, "affinity", affinity.affinity),
    (LABORATORY, "mine", mine.mine),
    (LABORATORY, "train", train.train),
    (LABORATORY, "train-sparse", train_sparse.train_sparse),
    (LABORATORY, "evaluate", evaluate.evaluate),
    (ABOUT, "models", models.models),
    (ABOUT, "doctor", doctor.doctor),
    (ABOUT, "bench", bench.bench),
):
    app.command(name, rich_help_panel=panel)(command)
app.add_typer(collections.collections, rich_help_panel=COLLECTIONS)
for commands in (app, collections.collections):
    for registered in commands.registered_commands:
        assert registered.callback is not None
        registered.callback = answering(protecting(registered.callback))


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """SPECTER2 embeddings of scientific papers: embed, ingest into Qdrant, search."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; exit code 0, 1 (failed, one line on stderr says why) or 2 (usage)."""
    # gRPC's own log of lost connections; the error that is raised says the same.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.showwarning = lambda message, *_: errors.print(f"warning: {message}", style="yellow")
    print_logs()
    try:
        app()
    except (Specter2Error, MissingExtraError) as error:
        errors.print(f"error: {error}", style="red")
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        errors.print(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}", style="red")
        sys.exit(1)
