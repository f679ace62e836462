"""Who must not review what, and why; scores are never left out for it."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from specter2_plugins.errors import Specter2Error
from specter2_plugins.papers import Paper
from specter2_plugins.papers.points import text_key
from specter2_plugins.reviewers.layouts import authors_of

Pairs = dict[tuple[str, str], str]
"""(submission, reviewer) -> why the two are in conflict."""


def read_conflicts(path: str | PathLike[str]) -> Pairs:
    """Read pairs of a CSV: `submission,reviewer`, with or without a header; what follows is the reason.

    Raises:
        Specter2Error: If it cannot be read, or a line is no pair.
    """
    pairs: Pairs = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                cells = [cell.strip() for cell in row]
                if not any(cells) or (number == 1 and cells[0].casefold() in {"submission", "paper", "paper_id"}):
                    continue
                if len(cells) < 2 or not cells[0] or not cells[1]:
                    raise Specter2Error(f"{path}, line {number}: expected submission,reviewer")
                pairs[cells[0], cells[1]] = cells[2] if len(cells) > 2 and cells[2] else "listed"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Specter2Error(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    return pairs


def conflicts(submissions: Sequence[Paper], reviewers: Mapping[str, Sequence[Paper]], within: int | None = 3) -> Pairs:
    """Find who wrote a submission, who wrote with one of its authors lately, and who has it among his papers.

    Names are compared without case, punctuation and OpenReview's `~..1`, so namesakes are in conflict too.

    Args:
        submissions: With `authors` in their metadata; anonymous ones are compared by DOI and title alone.
        reviewers: Person -> papers.
        within: How many years before the newest paper of all a joint paper counts; None for however long ago. One
            without a year counts.

    Returns:
        (submission, reviewer) -> "author", "coauthor" or "same paper".
    """
    years = [_year(paper) for papers in reviewers.values() for paper in papers]
    since = max((year for year in years if year is not None), default=0) - within if within is not None else 0
    people: dict[str, set[str]] = defaultdict(set)
    wrote_with: dict[str, set[str]] = defaultdict(set)
    has: dict[str, set[str]] = defaultdict(set)
    for reviewer, papers in reviewers.items():
        people[_name(reviewer)].add(reviewer)
        for paper in papers:
            for key in _keys(paper):
                has[key].add(reviewer)
            year = _year(paper)
            if year is None or year >= since:
                for author in authors_of(paper):
                    wrote_with[_name(author)].add(reviewer)
    found: Pairs = {}
    for submission in submissions:
        names = [_name(author) for author in authors_of(submission)]
        # The strongest reason is told.
        for why, reasons in (
            ("same paper", [has.get(key, ()) for key in _keys(submission)]),
            ("coauthor", [wrote_with.get(name, ()) for name in names]),
            ("author", [people.get(name, ()) for name in names]),
        ):
            found.update({(str(submission.id), reviewer): why for some in reasons for reviewer in sorted(some)})
    return found


def _keys(paper: Paper) -> list[str]:
    doi = paper.metadata.get("doi")
    return [f"doi:{doi}".casefold()] * (doi is not None) + [f"title:{text_key(paper)}"]


def _name(name: str) -> str:
    if name.startswith("~"):
        name = name[1:].rstrip("0123456789").replace("_", " ")
    return " ".join("".join(sign if sign.isalnum() else " " for sign in name.casefold()).split())


def _year(paper: Paper) -> int | None:
    year = paper.metadata.get("year")
    return year if isinstance(year, int) else None
