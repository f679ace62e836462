"""Search results, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from specter2_plugins.cli.console import output, print_json
from specter2_plugins.readers.records import tidy

if TYPE_CHECKING:
    from specter2_plugins.qdrant import Hit

_ABSTRACT_LENGTH = 160
_AUTHORS = 3


def show_hits(hits: list[Hit], as_json: bool) -> None:
    """Print search results, nearest first."""
    if as_json:
        print_json([_record(hit) for hit in hits])
        return
    for rank, hit in enumerate(hits, start=1):
        paper = hit.paper
        output.print(Text(f"{rank:>2}. ") + Text(tidy(paper.title or "(no title)"), style="bold"))
        output.print(Text(f"    {_byline(hit)}", style="dim"))
        if paper.abstract:
            abstract = tidy(paper.abstract)
            output.print(Text(f"    {abstract[:_ABSTRACT_LENGTH]}{'…' * (len(abstract) > _ABSTRACT_LENGTH)}"))
    if not hits:
        output.print("nothing found")


def _byline(hit: Hit) -> str:
    metadata = hit.paper.metadata
    authors = [str(author) for author in metadata.get("authors") or [] if author]
    names = ", ".join(authors[:_AUTHORS]) + (" et al." if len(authors) > _AUTHORS else "")
    parts = [names, metadata.get("venue"), metadata.get("year"), hit.paper.id, f"score {hit.score:.3f}"]
    return tidy(" · ".join(str(part) for part in parts if part))


def _record(hit: Hit) -> dict[str, object]:
    paper = hit.paper
    return {
        "id": paper.id,
        "score": hit.score,
        "title": paper.title,
        "abstract": paper.abstract,
        "metadata": dict(paper.metadata),
        "point_id": hit.point_id,
    }
