"""SPECTER2 embeddings for Sentence Transformers, Qdrant and LangChain.

Example:
    >>> from specter2_plugins import Paper, load_specter2
    >>> model = load_specter2("mini")
    >>> model.encode_document([Paper(title="A title", abstract="An abstract")]).shape
    (1, 384)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from specter2_plugins.errors import (
    AdapterError,
    CheckpointError,
    FilterError,
    MissingExtraError,
    PaperError,
    Specter2Error,
    StoreError,
    TaskError,
    WorkerError,
)
from specter2_plugins.papers import Paper

if TYPE_CHECKING:
    from specter2_plugins.models import load_specter2
    from specter2_plugins.sentence_transformer import Specter2

__version__ = "0.1.0"

__all__ = [
    "AdapterError",
    "CheckpointError",
    "FilterError",
    "MissingExtraError",
    "Paper",
    "PaperError",
    "Specter2",
    "Specter2Error",
    "StoreError",
    "TaskError",
    "WorkerError",
    "load_specter2",
]

# Importing torch takes seconds; these names bring it in only when they are used.
_LAZY = {"Specter2": "specter2_plugins.sentence_transformer", "load_specter2": "specter2_plugins.models"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
