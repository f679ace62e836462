"""Papers -> vectors -> points or files: read ahead, embed, write, and go on after a stop.

Example:
    >>> from specter2_plugins import load_specter2, read_papers
    >>> from specter2_plugins.pipeline import embed_papers
    >>> embed_papers(read_papers("papers.jsonl"), "embeddings", load_specter2("mini")).embedded     # or "s3://bucket/..."
    8
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from specter2_plugins.pipeline.report import IngestReport

if TYPE_CHECKING:
    from specter2_plugins.pipeline.embed import embed_papers
    from specter2_plugins.pipeline.ingestion.ingest import ingest_papers
    from specter2_plugins.pipeline.workers import Workers

__all__ = ["IngestReport", "Workers", "embed_papers", "ingest_papers"]

# Writing vectors that are there needs no torch; writing files of them needs no Qdrant.
_LAZY = {
    "Workers": "specter2_plugins.pipeline.workers",
    "embed_papers": "specter2_plugins.pipeline.embed",
    "ingest_papers": "specter2_plugins.pipeline.ingestion.ingest",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
