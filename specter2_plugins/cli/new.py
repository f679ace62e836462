"""`specter2 new`: what has come into a collection, nearest to a library first."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.cli.console import errors, write
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.hits import show_hits
from specter2_plugins.cli.options import OUTPUT, AsJson, ModelOptions, StoreOptions
from specter2_plugins.cli.outputs import READS
from specter2_plugins.cli.search import AsBibtex, Filter, Limit, Vector
from specter2_plugins.readers import Rejected, read_papers

_AGO = re.compile(r"(\d{1,5})\s*([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@expand_groups
def new(
    context: typer.Context,
    where: StoreOptions,
    by: ModelOptions,
    like: Annotated[
        str, typer.Option(help="A file of papers that the new ones are to be near to, or a short text."), READS
    ],
    since: Annotated[str, typer.Option(help="7d, 12h, 2w ago, or a date such as 2026-11-01.")] = "7d",
    limit: Limit = 10,
    filter: Filter = None,
    vector: Vector = None,
    as_json: AsJson = False,
    as_bibtex: AsBibtex = False,
    as_atom: Annotated[
        bool, typer.Option("--atom", help="Print an Atom feed, to subscribe to.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Say what has come into a collection since a moment, nearest to a library first. Scores are distances."""
    if as_json + as_bibtex + as_atom > 1:
        raise typer.BadParameter("name one of --json, --bibtex and --atom")
    moment = _moment(since)
    rejected: list[Rejected] = []
    library = read_papers(like, on_reject=rejected.append) if _is_file(like) else like
    with where.open(context, read_only=True) as client:
        from specter2_plugins.qdrant.news import new_papers

        model = by.filled(context, client, where.collection).load()
        found = new_papers(client, model, library, moment, where.collection, limit, filter=filter, vector=vector)
    if rejected:
        errors.print(f"{like}: {len(rejected)} records are no papers and were left out; the first: {rejected[0]}")
    if as_atom:
        from specter2_plugins.writers.atom import to_atom

        title = f"New in {where.collection}, like {Path(like).name if _is_file(like) else like}"
        write(to_atom(title, ((news.hit.point_id, news.since, news.hit.paper) for news in found)))
    else:
        show_hits([news.hit for news in found], as_json, as_bibtex)


def _is_file(like: str) -> bool:
    """Return whether a text is the name of a file; one that ends as such and is not there is refused by the reader."""
    try:
        return (
            Path(like).is_file()
            or re.search(r"\S\.(bib|ris|jsonl?|csv|xml|nbib|parquet|xlsx)(\.gz)?$", like) is not None
        )
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False


def _moment(text: str) -> datetime:
    """Return the moment that is so long ago, or a date's first."""
    from specter2_plugins.qdrant.dates import period

    if ago := _AGO.fullmatch(text.strip()):
        return datetime.now(timezone.utc) - int(ago[1]) * _UNITS[ago[2]]
    try:
        return period(text.strip()).first
    except ValueError:
        raise typer.BadParameter(
            f"--since is {text!r}, expected how long ago, such as 7d, 12h or 2w, or a date such as 2026-11-01"
        ) from None
