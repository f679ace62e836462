"""OpenReview's files, and any others, -> submissions, and people with what they wrote."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path

from specter2_plugins.errors import PaperError
from specter2_plugins.papers import Paper
from specter2_plugins.papers.points import text_key
from specter2_plugins.pipeline.intake import log_first
from specter2_plugins.readers import Rejected, read_records

_TABLES = {".csv", ".tsv"}
_NO_HEADER = {"id": "1", "title": "2", "abstract": "3"}

_log = logging.getLogger(__name__)


def read_submissions(path: str | PathLike[str], fields: Mapping[str, str] | None = None) -> list[Paper]:
    """Read submissions: OpenReview's `submissions.json` and notes, its CSV without a header, or any other format.

    Source: openreview-expertise (`id,title,abstract`; `{"id": {"id", "content": {"title", "abstract"}}}`).

    Args:
        path: A file.
        fields: Which field of the file is what, as for `read_papers`.

    Returns:
        The submissions, in the file's order.

    Raises:
        PaperError: If it cannot be read, or a submission has no id, or the id of another.
    """
    papers: list[Paper] = []
    seen: set[str] = set()
    for number, paper in enumerate(_read(Path(path), fields), 1):
        if isinstance(paper, Rejected):
            raise PaperError(f"submission {number} cannot be read: {paper}")
        if paper.id is None:
            raise PaperError(f"{path}: submission {number}, {(paper.title or '')[:60]!r}, has no id, which scores need")
        if paper.id in seen:
            raise PaperError(f"{path}: submission {number} has the id {paper.id!r}, which another has")
        seen.add(paper.id)
        papers.append(paper)
    if not papers:
        raise PaperError(f"{path}: no submissions")
    return papers


def read_reviewers(folder: str | PathLike[str], fields: Mapping[str, str] | None = None) -> dict[str, list[Paper]]:
    """Read people's papers: a folder with a file for each, such as OpenReview's `archives/~Ann_Lee1.jsonl`.

    Args:
        folder: The folder. A file's name without its ending is the person's; its format is any that is read.
        fields: Which field of the files is what, as for `read_papers`.

    Returns:
        Person -> papers, by name. Who has none is logged, and has no score; so is a record that is no paper.

    Raises:
        PaperError: If there is no such folder, nobody in it has a paper, or two files are of one person.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PaperError(f"{folder} is no folder with a file of papers for each reviewer")
    people: dict[str, list[Paper]] = {}
    reject = log_first()
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    for file in files:
        person = file.name.removesuffix(".gz").rpartition(".")[0] or file.name
        if person in people:
            raise PaperError(f"{folder}: two files are of {person}; put their papers into one")
        people[person] = []
        for paper in _read(file, fields) if file.stat().st_size else ():
            if isinstance(paper, Rejected):
                reject(paper)
            else:
                people[person].append(paper)
    return with_papers(people, str(folder))


def by_author(papers: Iterable[Paper]) -> dict[str, list[Paper]]:
    """Take those who wrote papers for the reviewers: of a file, or of a `PaperCollection`, which is a pool of papers.

    Example:
        >>> by_author([Paper("A", metadata={"authors": ["Ann Lee", "Bob Ray"]})]).keys()
        dict_keys(['Ann Lee', 'Bob Ray'])

    Args:
        papers: Papers with `authors` in their metadata. Names are told apart as they are written.

    Returns:
        Author -> papers, by name.

    Raises:
        PaperError: If no paper has authors.
    """
    people: dict[str, list[Paper]] = {}
    for paper in papers:
        for author in authors_of(paper):
            people.setdefault(author, []).append(paper)
    return with_papers(dict(sorted(people.items())), "the papers' authors")


def authors_of(paper: Paper) -> Iterator[str]:
    """Yield the names of a paper's authors."""
    authors = paper.metadata.get("authors") or ()
    yield from (str(author) for author in ([authors] if isinstance(authors, str) else authors))


def with_papers(people: Mapping[str, list[Paper]], where: str) -> dict[str, list[Paper]]:
    """Return those who have papers, each paper once; log who has none.

    Raises:
        PaperError: If nobody has.
    """
    without = [person for person, papers in people.items() if not papers]
    if without:
        _log.warning("%d of %d reviewers have no paper, and no score: %s", len(without), len(people), _some(without))
    if len(without) == len(people):
        raise PaperError(f"{where}: no reviewer has a paper")
    return {
        person: list({text_key(paper) + (paper.abstract or ""): paper for paper in papers}.values())
        for person, papers in people.items()
        if papers
    }


def _read(path: Path, fields: Mapping[str, str] | None) -> list[Paper | Rejected]:
    if fields is None and path.suffix.lower() in _TABLES:
        try:
            return list(read_records(path))
        except PaperError as error:
            try:
                return list(read_records(path, fields=_NO_HEADER))
            except PaperError:
                raise error from None
    return list(read_records(path, fields=fields))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
