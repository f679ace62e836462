"""`specter2 collections`: what a store holds, and what becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from specter2_plugins.cli.console import errors, output, print_json
from specter2_plugins.cli.contents import tables
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.options import AsJson, PlaceOptions, collection_name
from specter2_plugins.cli.outputs import READS, WRITES
from specter2_plugins.errors import StoreError
from specter2_plugins.readers.tidy import tidy
from specter2_plugins.writers.files import check_writable

if TYPE_CHECKING:
    from specter2_plugins.qdrant import PaperCollection

collections = typer.Typer(
    name="collections", help="List collections, and look after them.", no_args_is_help=True, add_completion=False
)

Name = Annotated[str, typer.Argument(help="The collection.", callback=collection_name, show_default=False)]
Filter = Annotated[
    str | None, typer.Option("--filter", "-f", help="These papers only, such as: year < 2000. See docs/search.md")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The file to write.", show_default=False), WRITES]


@collections.command("list")
@expand_groups
def list_collections(context: typer.Context, where: PlaceOptions, as_json: AsJson = False) -> None:
    """List the collections of a store, with how many papers each holds."""
    from specter2_plugins.qdrant import PaperCollection
    from specter2_plugins.store.layout import collection_info, dense_vectors

    found: list[dict[str, Any]] = []
    with where.open(context, read_only=True) as client:
        for name in sorted(one.name for one in client.get_collections().collections):
            info = collection_info(client, name)
            vectors = [*dense_vectors(info), *(info.config.params.sparse_vectors or {})]
            found.append({"name": name, "papers": len(PaperCollection(client, None, name)), "vectors": vectors})
    if as_json:
        print_json(found)
    elif found:
        table = Table("collection", "papers", "vectors", box=None)
        for one in found:
            table.add_row(tidy(one["name"]), f"{one['papers']:,}", tidy(", ".join(one["vectors"])))
        output.print(table)
    else:
        output.print("no collections")


@collections.command("info")
@expand_groups
def info(context: typer.Context, where: PlaceOptions, name: Name, as_json: AsJson = False) -> None:
    """Show what a collection has: vectors and what made them, sources, indexes, size on disk."""
    with _collection(context, where, name, read_only=True) as papers:
        found = papers.info()
    if as_json:
        print_json(found)
    else:
        for shown in tables(found):
            output.print(shown)


@collections.command("delete")
@expand_groups
def delete(
    context: typer.Context,
    where: PlaceOptions,
    name: Name,
    filter: Filter = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a collection, or with --filter the papers of it that pass."""
    with _collection(context, where, name) as papers:
        count = papers.count(filter)
        of = f"the {count:,} papers of {name} that pass the filter" if filter else f"{name} with its {count:,} papers"
        if not yes and not _agreed(f"Delete {of}? [y/N] "):
            raise StoreError(f"nothing was deleted; --yes deletes {of}")
        deleted = papers.delete(filter=filter) if filter else papers.drop()
    _say({"collection": name, "deleted": deleted}, f"deleted {deleted:,} papers of {name}", as_json)


@collections.command("rename")
@expand_groups
def rename(
    context: typer.Context,
    where: PlaceOptions,
    name: Name,
    new: Annotated[str, typer.Argument(help="Its new name.", callback=collection_name, show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Give a collection another name."""
    with _collection(context, where, name) as papers:
        count = papers.rename(new)
    _say({"collection": new, "was": name, "papers": count}, f"{name} is {new} now: {count:,} papers", as_json)


@collections.command("export")
@expand_groups
def export(
    context: typer.Context, where: PlaceOptions, name: Name, out: Out, filter: Filter = None, as_json: AsJson = False
) -> None:
    """Write the papers of a collection into a .bib or .jsonl file, without their vectors."""
    check_writable(out)
    with _collection(context, where, name, read_only=True) as papers:
        count = papers.export(out, filter)
    _say({"collection": name, "file": str(out), "papers": count}, f"{out}: {count:,} papers of {name}", as_json)


@collections.command("backup")
@expand_groups
def backup(context: typer.Context, where: PlaceOptions, name: Name, out: Out, as_json: AsJson = False) -> None:
    """Write a collection with its vectors and settings into one file."""
    check_writable(out)
    with _collection(context, where, name, read_only=True) as papers:
        count = papers.backup(out)
    _say({"collection": name, "file": str(out), "papers": count}, f"{out}: {count:,} papers of {name}", as_json)


@collections.command("restore")
@expand_groups
def restore(
    context: typer.Context,
    where: PlaceOptions,
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.", show_default=False), READS],
    name: Annotated[
        str | None, typer.Option("--as", help="What the collection is to be called; by default as it was.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a collection again from a backup, in any store."""
    from specter2_plugins.qdrant.backups import restore as restored
    from specter2_plugins.store.faults import Retries

    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    with where.open(context, missing="make") as client:
        called, count = restored(client, file, None if name is None else collection_name(name), Retries())
    _say({"collection": called, "file": str(file), "papers": count}, f"{called}: {count:,} papers of {file}", as_json)


@collections.command("optimize")
@expand_groups
def optimize(context: typer.Context, where: PlaceOptions, name: Name) -> None:
    """Build the search index of a collection now, and wait for it."""
    with _collection(context, where, name) as papers:
        papers.optimize()
    output.print(f"{name} is indexed")


@contextmanager
def _collection(
    context: typer.Context, where: PlaceOptions, name: str, *, read_only: bool = False
) -> Iterator[PaperCollection]:
    from specter2_plugins.qdrant import PaperCollection
    from specter2_plugins.store.layout import collection_info

    with where.open(context, read_only=read_only) as client:
        collection_info(client, name)
        yield PaperCollection(client, None, name)


def _agreed(question: str) -> bool:
    if not (sys.stdin.isatty() and errors.is_terminal):
        return False
    with suppress(EOFError):
        return errors.input(question, markup=False).strip().lower() in ("y", "yes")
    return False


def _say(facts: dict[str, object], line: str, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        output.print(line)
