"""`specter2 mine`: citations and papers -> triplets to train on."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from specter2_plugins.cli.console import errors, output
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.options import Files, ModelOptions, ReadingOptions, StoreOptions, typed
from specter2_plugins.cli.outputs import READS, WRITES
from specter2_plugins.cli.progress import progress
from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper

_AT_ONCE = 256
NEGATIVES = "Hard negatives"


@expand_groups
def mine(
    context: typer.Context,
    files: Files,
    where: StoreOptions,
    by: ModelOptions,
    reading: ReadingOptions,
    citations: Annotated[
        Path,
        typer.Option(help="Who cites whom: JSON, CSV or TSV with citing and cited.", show_default=False),
        READS,
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write triplets, .jsonl.", show_default=False), WRITES
    ],
    per_paper: Annotated[int, typer.Option(min=1, help="Triplets of one paper.")] = 5,
    hard: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How many of them have a hard negative; by default 2.",
            show_default=False,
            rich_help_panel=NEGATIVES,
        ),
    ] = None,
    skip: Annotated[
        int, typer.Option(min=0, help="Nearest papers in the store that are no negatives.", rich_help_panel=NEGATIVES)
    ] = 10,
    depth: Annotated[
        int, typer.Option(min=1, help="Last rank in the store that is a negative.", rich_help_panel=NEGATIVES)
    ] = 100,
    seed: Annotated[int, typer.Option(help="Of the draws.", rich_help_panel=NEGATIVES)] = 0,
) -> None:
    """Make training triplets of papers: one it cites, and one it does not.

    Hard negatives are cited by cited papers or, with --store or --url, near in that collection.
    """
    from specter2_plugins.mining import mine_triplets, read_citations, write_triplets
    from specter2_plugins.mining.triplets import HARD

    hard = min(HARD, per_paper) if hard is None else hard
    if hard > per_paper:
        raise typer.BadParameter(f"--hard {hard} is more than --per-paper {per_paper}")
    if not where.is_named:
        for option in ("skip", "depth", "model", "adapter", "device", "dtype"):
            if typed(context, option):
                raise typer.BadParameter(f"--{option} needs --store or --url")
    source = reading.source(files)
    cited = read_citations(citations)
    papers: dict[str, Paper] = {}
    unnamed = twice = 0
    with ExitStack() as stack:
        show = stack.enter_context(progress("reading", source))
        for number, paper in enumerate(source, start=1):
            if paper.id is None:
                unnamed += 1
            elif papers.setdefault(paper.id, paper) is not paper:
                twice += 1
            if number % _AT_ONCE == 0:
                show(number, source.total(number))
        source.require_papers(len(papers) + unnamed)
        if not papers:
            raise PaperError("none of the papers has an id, which citations need; name theirs with --field id=KEY")
        neighbours = None
        if where.is_named:
            from specter2_plugins.mining.neighbours import qdrant_neighbours

            client = stack.enter_context(where.open(context, read_only=True))
            model = by.filled(context, client, where.collection).load()
            neighbours = qdrant_neighbours(client, model, where.collection, skip=skip, depth=depth)
        show.stage("mining", "papers that cite")
        triplets = mine_triplets(
            cited, papers, per_paper=per_paper, hard=hard, neighbours=neighbours, seed=seed, on_paper=show
        )
        count = write_triplets(triplets, papers, out)
    citing = sum(paper in cited for paper in papers)
    output.print(f"{count} triplets from {len(papers)} papers, {citing} of which cite others, in {out}")
    for left_out, reason in ((unnamed, "without an id"), (twice, "whose id came before")):
        if left_out:
            errors.print(f"left out {left_out} papers {reason}")
