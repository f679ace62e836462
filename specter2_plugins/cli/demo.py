"""`specter2 demo`: the main job once, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.checkpoints.families import MINI
from specter2_plugins.cli.console import output
from specter2_plugins.cli.hits import show_hits
from specter2_plugins.cli.options import load_model
from specter2_plugins.cli.outputs import STORE
from specter2_plugins.cli.progress import progress
from specter2_plugins.demo import SAMPLE_PAPERS

_QUERY = "recognising emotions in a speaker's voice"
_HITS = 3


def demo(
    store: Annotated[Path, typer.Option("--store", "-s", help="Folder of the embedded Qdrant store."), STORE] = Path(
        "specter2-demo"
    ),
) -> None:
    """Ingest the sample papers into an embedded Qdrant, search them, and find papers like the best hit."""
    from specter2_plugins.qdrant import IngestReport, PaperCollection, open_client

    output.print("Model: mini, which is MiniLM with small adapters. It works offline; it is not SPECTER2.\n")
    with open_client(store) as client:
        papers = PaperCollection(client, load_model(MINI))
        with progress("ingesting") as show:

            def follow(so_far: IngestReport) -> None:
                show(so_far.done, None, so_far.ingested, so_far.tokens, so_far.read)

            report = papers.ingest(SAMPLE_PAPERS, on_progress=follow)
        known = f"; {report.unchanged} were there already" if report.unchanged else ""
        output.print(f"Ingested {report.ingested} papers into {store}/{known}\n")

        output.print(f'Ad-hoc query, through the adhoc_query adapter: "{_QUERY}"\n')
        hits = papers.search(_QUERY, _HITS)
        show_hits(hits, as_json=False)

        best = hits[0].paper
        output.print(f'\nPapers like "{best.title}", through the proximity adapter:\n')
        show_hits(papers.similar(best.id or best, _HITS), as_json=False)
    output.print(f'\nNow search yourself: specter2 search "graph neural networks" --model {MINI} --store {store}')
