"""`specter2 affinity`: who could review what."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from specter2_plugins.cli.console import errors, output
from specter2_plugins.cli.groups import expand_groups
from specter2_plugins.cli.options import READING, ModelOptions
from specter2_plugins.cli.outputs import READS, WRITES
from specter2_plugins.cli.progress import progress
from specter2_plugins.cli.source import named_fields
from specter2_plugins.papers import Paper

if TYPE_CHECKING:
    from specter2_plugins.reviewers.conflicts import Pairs
    from specter2_plugins.reviewers.tables import Blocks

SCORES, ASSIGNMENT = "Scores", "Assignment"


@expand_groups
def affinity(
    by: ModelOptions,
    submissions: Annotated[
        Path,
        typer.Option(help="File of submissions: OpenReview's JSON or CSV, or any other.", show_default=False),
        READS,
    ],
    reviewers: Annotated[
        Path,
        typer.Option(
            help="Folder with a file of papers for each reviewer; or a file or store of papers by them.",
            show_default=False,
        ),
        READS,
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Where to write submission,reviewer,score: .csv; a matrix: .parquet", show_default=False
        ),
        WRITES,
    ],
    top: Annotated[
        int | None, typer.Option(min=1, help="Write the best reviewers of each submission alone, so many.")
    ] = None,
    conflicts: Annotated[
        Path | None, typer.Option(help="CSV of submission,reviewer pairs that must not be; marked in a column."), READS
    ] = None,
    best: Annotated[
        int, typer.Option(min=0, help="Papers whose mean is a score, the nearest; 0: all.", rich_help_panel=SCORES)
    ] = 3,
    percentile: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Instead of a mean, this percentile.", rich_help_panel=SCORES),
    ] = None,
    half_life: Annotated[
        float | None,
        typer.Option(help="Years after which a paper counts for half as much.", rich_help_panel=SCORES),
    ] = None,
    lexical: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the score that words have (TF-IDF).", rich_help_panel=SCORES)
    ] = 0.0,
    coauthors: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Mark authors, those who wrote with one in so many years, and owners of the same paper.",
            rich_help_panel=SCORES,
        ),
    ] = None,
    assignment: Annotated[
        Path | None,
        typer.Option("--assign", help="Where to write an assignment, as CSV.", rich_help_panel=ASSIGNMENT),
        WRITES,
    ] = None,
    each: Annotated[
        int, typer.Option("--each", min=1, help="Reviewers of a submission.", rich_help_panel=ASSIGNMENT)
    ] = 3,
    load: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Submissions of a reviewer at most; by default as few as suffice.",
            show_default=False,
            rich_help_panel=ASSIGNMENT,
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=0, help="Submissions of a reviewer at least.", rich_help_panel=ASSIGNMENT)
    ] = 0,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=KEY", help="As for specter2 ingest, in all files.", rich_help_panel=READING),
    ] = None,
) -> None:
    """Score how near each reviewer is to each submission, by the papers they wrote, and assign them."""
    from specter2_plugins.reviewers import Affinities, Aggregation, read_conflicts, read_submissions
    from specter2_plugins.reviewers import conflicts as find_conflicts
    from specter2_plugins.reviewers.tables import write_matrix, write_pairs

    matrix = out.suffix.lower() == ".parquet"
    if matrix and (top is not None or conflicts is not None or coauthors is not None):
        raise typer.BadParameter("a matrix has every score and no column for conflicts; write .csv", param_hint="--out")
    fields = named_fields(field or ()) or None
    aggregation = Aggregation(best=best or None, percentile=percentile)
    papers = read_submissions(submissions, fields)
    people = _people(reviewers, fields)
    marked: Pairs | None = None
    if conflicts is not None or coauthors is not None:
        marked = find_conflicts(papers, people, coauthors) if coauthors is not None else {}
        marked |= read_conflicts(conflicts) if conflicts is not None else {}
    model = by.load()
    with progress("embedding") as show:
        affinities = Affinities(
            model,
            people,
            aggregation,
            half_life=half_life,
            lexical=lexical,
            on_progress=lambda done, of: show(done, of),
        )
        blocks: Blocks = affinities.blocks(papers)
        if assignment is not None:
            blocks = kept = list(blocks)
        ids = [str(paper.id) for paper in papers]
        if matrix:
            count = write_matrix(out, blocks, ids, affinities.names)
        else:
            count = write_pairs(out, blocks, ids, affinities.names, top=top, conflicts=marked)
    output.print(f"{count} scores of {len(papers)} submissions and {len(people)} reviewers in {out}")
    if marked is not None:
        _say_conflicts(marked, ids, affinities.names, out)
    if assignment is not None:
        _assign(
            np.concatenate([block for _, block in kept]),
            ids,
            affinities.names,
            marked or {},
            assignment,
            each,
            load,
            least,
        )


def _people(place: Path, fields: dict[str, str] | None) -> dict[str, list[Paper]]:
    from specter2_plugins.readers import read_papers
    from specter2_plugins.reviewers import by_author, read_reviewers

    if (place / "edge.json").is_file():
        from specter2_plugins.qdrant import PaperCollection

        with PaperCollection.open(place, model=None, read_only=True) as collection:
            return by_author(collection)
    return read_reviewers(place, fields) if place.is_dir() else by_author(read_papers(place, fields=fields))


def _say_conflicts(marked: Pairs, submissions: list[str], reviewers: list[str], out: Path) -> None:
    there = set(submissions), set(reviewers)
    known = {pair: why for pair, why in marked.items() if pair[0] in there[0] and pair[1] in there[1]}
    said = ", ".join(f"{count} {why}" for why, count in sorted(Counter(known.values()).items())) or "none"
    output.print(f"conflicts, marked in {out}: {said}")
    if len(known) < len(marked):
        unknown = next(pair for pair in marked if pair not in known)
        errors.print(
            f"{len(marked) - len(known)} conflicts are of submissions or reviewers that are not there, "
            f"the first is {unknown[0]},{unknown[1]}"
        )


def _assign(
    scores: Any,
    submissions: list[str],
    reviewers: list[str],
    marked: Pairs,
    path: Path,
    each: int,
    load: int | None,
    least: int,
) -> None:
    from specter2_plugins.reviewers import assign
    from specter2_plugins.reviewers.tables import write_pairs

    rows = {name: number for number, name in enumerate(submissions)}
    columns = {name: number for number, name in enumerate(reviewers)}
    forbidden = np.zeros(scores.shape, bool)
    for submission, reviewer in marked:
        if submission in rows and reviewer in columns:
            forbidden[rows[submission], columns[reviewer]] = True
    load = load or max(least, -(-len(submissions) * each // len(reviewers)))
    found = assign(scores, each=each, load=load, least=least, conflicts=forbidden)
    write_pairs(path, [(slice(None), np.where(found.chosen, scores, np.nan))], submissions, reviewers)
    output.print(f"assignment in {path}, at most {load} submissions for a reviewer:")
    for name, value in found.figures().items():
        output.print(f"  {name.replace('_', ' ')}: {value if isinstance(value, int) else format(value, '.3f')}")
