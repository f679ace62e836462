"""`specter2 ingest`: files of papers -> a Qdrant collection."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.cli.console import output, print_json, progress
from specter2_plugins.cli.options import (
    DEFAULT_COLLECTION,
    DEFAULT_MODEL,
    ApiKey,
    AsJson,
    Collection,
    Device,
    Dtype,
    FileFormat,
    Files,
    Model,
    Store,
    Url,
    connect,
    load_model,
)
from specter2_plugins.cli.source import Source


def ingest(
    files: Files,
    store: Store = None,
    url: Url = None,
    api_key: ApiKey = None,
    collection: Collection = DEFAULT_COLLECTION,
    distance: Annotated[str, typer.Option(help="euclid (as SPECTER2 was trained), cosine or dot.")] = "euclid",
    model: Model = DEFAULT_MODEL,
    device: Device = None,
    dtype: Dtype = None,
    file_format: FileFormat = None,
    rejects: Annotated[Path | None, typer.Option(help="Where to write rejected records.")] = None,
    as_json: AsJson = False,
) -> None:
    """Embed the papers of files and write them into a collection; the same papers again replace themselves."""
    with connect(store, url, api_key) as client:
        from specter2_plugins.qdrant import CollectionSpec, ingest_papers

        source = Source(files, file_format, rejects)
        spec = CollectionSpec(collection, distance=distance)
        with progress("ingesting") as show:
            report = ingest_papers(
                source, client, load_model(model, device, dtype), spec, lambda so_far: show(so_far.read)
            )
    source.require_papers(report.read)
    counts = {**asdict(report), "read": report.read + source.rejected, "rejected": source.rejected}
    if as_json:
        print_json({"collection": collection, **counts})
    else:
        output.print(
            "{collection}: read {read} = ingested {ingested} + duplicate {duplicate} + rejected {rejected}".format(
                collection=collection, **counts
            )
        )
