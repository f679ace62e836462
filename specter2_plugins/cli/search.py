"""`specter2 search` and `specter2 similar`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.hits import show_answers, show_hits
from specter2_plugins.cli.options import OUTPUT, RANKING, AsJson, ModelOptions, StoreOptions
from specter2_plugins.cli.outputs import READS, READS_SPLADE
from specter2_plugins.cli.queries import Query, read_queries
from specter2_plugins.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specter2_plugins.qdrant import Hit

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many papers to show.")]
Offset = Annotated[int, typer.Option(min=0, help="How many papers to leave out at the top.", rich_help_panel=RANKING)]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", "-f", help="Papers to search in, such as: year >= 2015 and venue ~ SIGIR. See docs/search.md"
    ),
]
Vector = Annotated[
    str | None,
    typer.Option(help="The dense vector to search; by default proximity, or the first.", rich_help_panel=RANKING),
]
AsBibtex = Annotated[bool, typer.Option("--bibtex", help="Print BibTeX.", rich_help_panel=OUTPUT)]

MANY, NEW = "Many queries", "A new paper"

_QUERIES_AT_ONCE = 256


@expand_groups
def search(
    context: typer.Context,
    where: StoreOptions,
    by: ModelOptions,
    query: Annotated[
        list[str] | None, typer.Argument(help="What to look for, in quotes or without.", show_default=False)
    ] = None,
    queries: Annotated[
        typer.FileText | None,
        typer.Option(
            encoding="utf-8-sig",
            help="File of queries instead, one a line: text, or JSON with id and text; - is the standard input.",
            rich_help_panel=MANY,
        ),
        READS,
    ] = None,
    limit: Limit = 10,
    offset: Offset = 0,
    filter: Filter = None,
    mode: Annotated[
        Literal["dense", "sparse", "hybrid"],
        typer.Option(help="Search by meaning, by words, or by both.", rich_help_panel=RANKING),
    ] = "dense",
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Search by meaning and by words, as --mode hybrid.")] = False,
    fusion: Annotated[
        Literal["rrf", "dbsf"],
        typer.Option(help="How hybrid joins both: by ranks, or by scores.", rich_help_panel=RANKING),
    ] = "rrf",
    near: Annotated[
        list[str] | None,
        typer.Option(
            help="Id of a paper that the hits are to be near to as well; can be repeated.", rich_help_panel=RANKING
        ),
    ] = None,
    diverse: Annotated[
        bool,
        typer.Option(
            "--diverse", help="Leave out what is nearly the same as what is above it.", rich_help_panel=RANKING
        ),
    ] = False,
    vector: Vector = None,
    sparse: Annotated[
        str, typer.Option(help="The sparse encoder: bm25, or splade:MODEL.", rich_help_panel=RANKING), READS_SPLADE
    ] = "bm25",
    as_json: AsJson = False,
    as_bibtex: AsBibtex = False,
) -> None:
    """Find papers by a short text. A score is a distance in a Euclidean collection: smaller is nearer."""
    if bool(query) == (queries is not None):
        raise typer.BadParameter("name one of QUERY and --queries FILE")
    _check_output(as_json, as_bibtex)
    if hybrid:
        mode = "hybrid"
    asked = read_queries(queries) if queries is not None else [Query("1", " ".join(query or ()))]
    with where.open(context, read_only=True) as client:
        from specter2_plugins.qdrant import PaperCollection
        from specter2_plugins.qdrant.filters import filter_for

        only = filter_for(client, where.collection, filter)
        model = by.filled(context, client, where.collection).load() if mode != "sparse" else None
        papers = PaperCollection(client, model, where.collection, sparse=sparse)

        def answers() -> Iterator[tuple[Query, list[Hit]]]:
            for start in range(0, len(asked), _QUERIES_AT_ONCE):
                batch = asked[start : start + _QUERIES_AT_ONCE]
                hits = papers.search(
                    [one.text for one in batch],
                    limit,
                    filter=only,
                    mode=mode,
                    fusion=fusion,
                    vector=vector,
                    offset=offset,
                    near=near or (),
                    diverse=diverse,
                )
                yield from zip(batch, hits, strict=True)

        if queries is not None:
            show_answers(answers(), as_json, as_bibtex)
        else:
            ((_, hits),) = answers()
            show_hits(hits, as_json, as_bibtex)


@expand_groups
def similar(
    context: typer.Context,
    where: StoreOptions,
    by: ModelOptions,
    paper_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Ids of papers in the collection.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Title of a paper that need not be in the collection.", rich_help_panel=NEW)
    ] = None,
    abstract: Annotated[str | None, typer.Option(help="Its abstract.", rich_help_panel=NEW)] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="Id of a paper that the hits are to be unlike; can be repeated.")
    ] = None,
    strategy: Annotated[
        Literal["average_vector", "best_score", "sum_scores"],
        typer.Option(help="How several papers are weighed.", rich_help_panel=RANKING),
    ] = "average_vector",
    limit: Limit = 10,
    offset: Offset = 0,
    filter: Filter = None,
    vector: Vector = None,
    as_json: AsJson = False,
    as_bibtex: AsBibtex = False,
) -> None:
    """Find papers like others: those in the collection, by their ids, or a new one, by title and abstract.

    By ids alone no model is loaded.
    """
    papers: list[str | Paper] = list(paper_ids or ())
    if title is not None or abstract is not None:
        papers.append(Paper(title, abstract))
    if not papers:
        raise typer.BadParameter("name the ids of papers, or give --title and --abstract of a new one")
    _check_output(as_json, as_bibtex)
    with where.open(context, read_only=True) as client:
        from specter2_plugins.qdrant import PaperCollection
        from specter2_plugins.qdrant.filters import filter_for

        only = filter_for(client, where.collection, filter)
        by_ids = title is None and abstract is None
        model = None if by_ids else by.filled(context, client, where.collection).load()
        collection = PaperCollection(client, model, where.collection)
        hits = collection.similar(
            papers, limit, negative=negative or (), strategy=strategy, filter=only, vector=vector, offset=offset
        )
    show_hits(hits, as_json, as_bibtex)


def _check_output(as_json: bool, as_bibtex: bool) -> None:
    if as_json and as_bibtex:
        raise typer.BadParameter("name one of --json and --bibtex")
