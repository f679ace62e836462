"""`specter2 search` and `specter2 similar`."""

from __future__ import annotations

from typing import Annotated

import typer

from specter2_plugins.cli.hits import show_hits
from specter2_plugins.cli.options import (
    DEFAULT_COLLECTION,
    DEFAULT_MODEL,
    ApiKey,
    AsJson,
    Collection,
    Device,
    Dtype,
    Model,
    Store,
    Url,
    connect,
    load_model,
)
from specter2_plugins.papers import Paper

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many papers to show.")]


def search(
    query: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    collection: Collection = DEFAULT_COLLECTION,
    limit: Limit = 10,
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Find papers by a short text. A score is a distance in a Euclidean collection: smaller is nearer."""
    with connect(store, url, api_key) as client:
        from specter2_plugins.qdrant import search_papers

        show_hits(search_papers(client, load_model(model, device, dtype), query, collection, limit), as_json)


def similar(
    paper_id: Annotated[str | None, typer.Argument(help="Id of a paper in the collection.", show_default=False)] = None,
    title: Annotated[str | None, typer.Option(help="Title of a paper that need not be in the collection.")] = None,
    abstract: Annotated[str | None, typer.Option(help="Its abstract.")] = None,
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    collection: Collection = DEFAULT_COLLECTION,
    limit: Limit = 10,
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Find the neighbours of a paper: one in the collection, by its id, or a new one, by title and abstract."""
    if (paper_id is None) == (title is None and abstract is None):
        raise typer.BadParameter("name the id of a paper, or give --title and --abstract of a new one")
    paper = paper_id if paper_id is not None else Paper(title, abstract)
    with connect(store, url, api_key) as client:
        from specter2_plugins.qdrant import similar_papers

        show_hits(similar_papers(client, load_model(model, device, dtype), paper, collection, limit), as_json)
