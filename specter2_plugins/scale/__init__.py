"""More than one process, more than one machine: workers, embeddings on the way, Ray.

Example:
    >>> from specter2_plugins.scale import StoredEmbeddings, embed_papers
    >>> embed_papers(read_papers("dump.jsonl.gz"), "s3://bucket/embeddings", model)
    >>> stored = StoredEmbeddings("s3://bucket/embeddings")  # later, where the store is: no model
    >>> ingest_papers(stored.papers(), client, stored)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specter2_plugins.scale.embed import embed_papers
    from specter2_plugins.scale.stored import EmbeddedPaper, StoredEmbeddings
    from specter2_plugins.scale.workers import Workers

__all__ = ["EmbeddedPaper", "StoredEmbeddings", "Workers", "embed_papers"]

# Loading vectors needs no torch.
_LAZY = {
    "EmbeddedPaper": "specter2_plugins.scale.stored",
    "StoredEmbeddings": "specter2_plugins.scale.stored",
    "Workers": "specter2_plugins.scale.workers",
    "embed_papers": "specter2_plugins.scale.embed",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
