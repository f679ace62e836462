"""`specter2 search` and `specter2 similar`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from specter2_plugins.cli.hits import show_answers, show_hits
from specter2_plugins.cli.options import (
    DEFAULT_COLLECTION,
    DEFAULT_GRPC_PORT,
    DEFAULT_MODEL,
    DEFAULT_TIMEOUT,
    ApiKey,
    AsJson,
    Collection,
    Device,
    Dtype,
    Grpc,
    GrpcPort,
    Model,
    Store,
    Timeout,
    Url,
    connect,
    load_model,
)
from specter2_plugins.cli.queries import Query, read_queries
from specter2_plugins.papers import Paper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specter2_plugins.qdrant import Hit

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many papers to show.")]
Offset = Annotated[int, typer.Option(min=0, help="How many papers to leave out at the top.")]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", "-f", help="Papers to search in, such as: year >= 2015 and venue ~ SIGIR. See docs/search.md"
    ),
]
Vector = Annotated[str | None, typer.Option(help="The dense vector to search; by default proximity, or the first.")]
AsBibtex = Annotated[bool, typer.Option("--bibtex", help="Print BibTeX.")]

_QUERIES_AT_ONCE = 256


def search(
    context: typer.Context,
    query: Annotated[
        list[str] | None, typer.Argument(help="What to look for, in quotes or without.", show_default=False)
    ] = None,
    queries: Annotated[
        typer.FileText | None,
        typer.Option(
            encoding="utf-8-sig",
            help="File of queries instead, one a line: text, or JSON with id and text; - is the standard input.",
        ),
    ] = None,
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    grpc: Grpc = False,
    grpc_port: GrpcPort = DEFAULT_GRPC_PORT,
    timeout: Timeout = DEFAULT_TIMEOUT,
    collection: Collection = DEFAULT_COLLECTION,
    limit: Limit = 10,
    offset: Offset = 0,
    filter: Filter = None,
    mode: Annotated[
        Literal["dense", "sparse", "hybrid"], typer.Option(help="Search by meaning, by words, or by both.")
    ] = "dense",
    hybrid: Annotated[bool, typer.Option("--hybrid", help="The same as --mode hybrid.")] = False,
    fusion: Annotated[
        Literal["rrf", "dbsf"], typer.Option(help="How hybrid joins both: by ranks, or by scores.")
    ] = "rrf",
    vector: Vector = None,
    sparse: Annotated[str, typer.Option(help="The sparse encoder: bm25, or splade:MODEL.")] = "bm25",
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
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
    with connect(context, store, url, api_key, grpc=grpc, grpc_port=grpc_port, timeout=timeout) as client:
        from specter2_plugins.qdrant import search_papers
        from specter2_plugins.qdrant.filters import to_filter

        where = to_filter(filter)
        encoder = load_model(model, device, dtype) if mode != "sparse" else None

        def answers() -> Iterator[tuple[Query, list[Hit]]]:
            for start in range(0, len(asked), _QUERIES_AT_ONCE):
                batch = asked[start : start + _QUERIES_AT_ONCE]
                hits = search_papers(
                    client,
                    encoder,
                    [one.text for one in batch],
                    collection,
                    limit,
                    filter=where,
                    mode=mode,
                    fusion=fusion,
                    vector=vector,
                    sparse=sparse,
                    offset=offset,
                )
                yield from zip(batch, hits, strict=True)

        if queries is not None:
            show_answers(answers(), as_json, as_bibtex)
        else:
            ((_, hits),) = answers()
            show_hits(hits, as_json, as_bibtex)


def similar(
    context: typer.Context,
    paper_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Ids of papers in the collection.", show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of a paper that need not be in the collection.")] = None,
    abstract: Annotated[str | None, typer.Option(help="Its abstract.")] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="Id of a paper that the hits are to be unlike; can be repeated.")
    ] = None,
    strategy: Annotated[
        Literal["average_vector", "best_score", "sum_scores"], typer.Option(help="How several papers are weighed.")
    ] = "average_vector",
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    grpc: Grpc = False,
    grpc_port: GrpcPort = DEFAULT_GRPC_PORT,
    timeout: Timeout = DEFAULT_TIMEOUT,
    collection: Collection = DEFAULT_COLLECTION,
    limit: Limit = 10,
    offset: Offset = 0,
    filter: Filter = None,
    vector: Vector = None,
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
    as_bibtex: AsBibtex = False,
) -> None:
    """Find papers like others: those in the collection, by their ids, or a new one, by title and abstract."""
    papers: list[str | Paper] = list(paper_ids or ())
    if title is not None or abstract is not None:
        papers.append(Paper(title, abstract))
    if not papers:
        raise typer.BadParameter("name the ids of papers, or give --title and --abstract of a new one")
    _check_output(as_json, as_bibtex)
    with connect(context, store, url, api_key, grpc=grpc, grpc_port=grpc_port, timeout=timeout) as client:
        from specter2_plugins.qdrant import similar_papers
        from specter2_plugins.qdrant.filters import to_filter

        where = to_filter(filter)
        hits = similar_papers(
            client,
            load_model(model, device, dtype),
            papers,
            collection,
            limit,
            negative=negative or (),
            strategy=strategy,
            filter=where,
            vector=vector,
            offset=offset,
        )
    show_hits(hits, as_json, as_bibtex)


def _check_output(as_json: bool, as_bibtex: bool) -> None:
    if as_json and as_bibtex:
        raise typer.BadParameter("name one of --json and --bibtex")
