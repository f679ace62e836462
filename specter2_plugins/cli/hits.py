"""Search results, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.text import Text

from specter2_plugins.cli.console import output, print_json, write
from specter2_plugins.printable import to_json
from specter2_plugins.readers.tidy import tidy
from specter2_plugins.writers import to_bibtex

if TYPE_CHECKING:
    from specter2_plugins.cli.queries import Query
    from specter2_plugins.qdrant import Hit

_ABSTRACT_LENGTH = 160
_AUTHORS = 3
_INDENT = 4


def show_hits(hits: list[Hit], as_json: bool = False, as_bibtex: bool = False) -> None:
    """Print the hits of one query, best first."""
    if as_json:
        print_json([_record(hit) for hit in hits])
    elif as_bibtex:
        write(to_bibtex(hit.paper for hit in hits))
    elif hits:
        _show(hits)
    else:
        output.print("nothing found")


def show_answers(answers: Iterable[tuple[Query, list[Hit]]], as_json: bool = False, as_bibtex: bool = False) -> None:
    """Print the hits of several queries: as JSON a line for each query, as BibTeX each paper once."""
    if as_bibtex:
        found = {hit.point_id: hit for _, hits in answers for hit in hits}
        show_hits(list(found.values()), as_bibtex=True)
        return
    for query, hits in answers:
        if as_json:
            record = {"id": query.id, "query": query.text, "hits": [_record(hit) for hit in hits]}
            write(to_json(record) + "\n")
        else:
            output.print(Text(f"{tidy(query.id)}: {tidy(query.text)}", style="underline"))
            show_hits(hits)
            output.print()


def _show(hits: list[Hit]) -> None:
    for rank, hit in enumerate(hits, start=1):
        paper = hit.paper
        _show_indented(Text(tidy(paper.title or "(no title)"), style="bold"), f"{rank:>2}.")
        _show_indented(Text(_byline(hit), style="dim"))
        if paper.abstract:
            abstract = tidy(paper.abstract)
            _show_indented(Text(f"{abstract[:_ABSTRACT_LENGTH]}{'…' * (len(abstract) > _ABSTRACT_LENGTH)}"))


def _show_indented(text: Text, mark: str = "") -> None:
    """Print a text behind its mark: in a file or pipe as one line, on a terminal in lines that fit it."""
    lines = text.wrap(output, max(output.width - _INDENT, _INDENT)) if output.is_terminal else [text]
    for number, line in enumerate(lines):
        output.print(Text(f"{'' if number else mark:<{_INDENT}}") + line)


def _byline(hit: Hit) -> str:
    metadata = hit.paper.metadata
    authors = metadata.get("authors") or []
    authors = [authors] if isinstance(authors, str) else [str(author) for author in authors if author]
    names = ", ".join(authors[:_AUTHORS]) + (" et al." if len(authors) > _AUTHORS else "")
    parts = [names, metadata.get("venue"), metadata.get("year"), hit.paper.id, f"score {hit.score:.3f}"]
    return tidy(" · ".join(str(part) for part in parts if part))


def _record(hit: Hit) -> dict[str, Any]:
    paper = hit.paper
    return {
        "id": paper.id,
        "score": hit.score,
        "title": paper.title,
        "abstract": paper.abstract,
        "metadata": dict(paper.metadata),
        "point_id": hit.point_id,
    }
