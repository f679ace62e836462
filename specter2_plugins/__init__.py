"""SPECTER2 embeddings for Sentence Transformers, Qdrant and LangChain.

Example:
    >>> from specter2_plugins import Paper, PaperCollection, load_specter2
    >>> model = load_specter2("mini")
    >>> model.encode_document([Paper(title="A title", abstract="An abstract")]).shape
    (1, 384)
    >>> with PaperCollection.open(":memory:", model) as papers:
    ...     papers.ingest([Paper("Neural ranking", id="rank"), Paper("Soil water", id="soil")]).ingested
    ...     papers.search("search engines", limit=1)[0].paper.id
    2
    'rank'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from specter2_plugins.errors import (
    AdapterError,
    CheckpointError,
    EvaluationError,
    FilterError,
    MissingExtraError,
    PaperError,
    Specter2Error,
    StoreError,
    TaskError,
    TrainingError,
    WorkerError,
)
from specter2_plugins.papers import Paper

if TYPE_CHECKING:
    from specter2_plugins.qdrant.collection import PaperCollection
    from specter2_plugins.readers import read_papers
    from specter2_plugins.sentence_transformers.load import load_specter2
    from specter2_plugins.sentence_transformers.specter2 import Specter2

__version__ = "0.2.0"

__all__ = [
    "AdapterError",
    "CheckpointError",
    "EvaluationError",
    "FilterError",
    "MissingExtraError",
    "Paper",
    "PaperCollection",
    "PaperError",
    "Specter2",
    "Specter2Error",
    "StoreError",
    "TaskError",
    "TrainingError",
    "WorkerError",
    "load_specter2",
    "read_papers",
]

# Importing torch takes seconds, and the rest needs extras; these names bring them in only when they are used.
_LAZY = {
    "PaperCollection": "specter2_plugins.qdrant",
    "read_papers": "specter2_plugins.readers",
    "Specter2": "specter2_plugins.sentence_transformers.specter2",
    "load_specter2": "specter2_plugins.sentence_transformers.load",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
