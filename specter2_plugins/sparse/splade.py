"""SPLADE as sparse vectors: weights on words of the text and on words that it could have used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SparseEncoder as SpladeModel
from sentence_transformers.sparse_encoder.modules import SpladePooling

from specter2_plugins.fingerprint import digest
from specter2_plugins.papers import input_text
from specter2_plugins.sparse.checkpoint import load_splade, merge_adapter
from specter2_plugins.sparse.encoder import SparseVector

# Logits take 4 bytes for each token and each word of the vocabulary: 60 MB for a text of 512 tokens, with BERT's.
_TEXTS_AT_ONCE = 8


@dataclass(frozen=True)
class Splade:
    """A SPLADE model as an encoder for collections.

    Source: Formal et al., "From Distillation to Hard Negative Sampling" (2022), https://arxiv.org/abs/2205.04733.

    Args:
        model: The model.
        weights: SHA-256 of its checkpoint's weights.
    """

    model: SpladeModel
    weights: str

    @classmethod
    def load(cls, name_or_path: str | Path, **options: Any) -> Splade:
        """Load a checkpoint.

        Args:
            name_or_path: As for `load_splade`.
            **options: As for `load_splade`, but for `adapters` and `merge`.

        Raises:
            CheckpointError: If it cannot be had, or is no SPLADE; the message names it.
        """
        model = load_splade(name_or_path, merge=False, **options)
        # Before merging, whose last bits differ from one processor to another.
        weights = digest(dict(model.named_parameters()))
        merge_adapter(model)
        return cls(model, weights)

    @property
    def name(self) -> str:
        """The vector's name in a collection."""
        return "splade"

    @property
    def needs_idf(self) -> bool:
        """SPLADE learns how much a word is worth."""
        return False

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """The weights, and what else the vectors depend on; not where the model lies."""
        poolings = [module for module in self.model.modules() if isinstance(module, SpladePooling)]
        return {
            "encoder": "splade",
            "weights": self.weights,
            "pooling": ", ".join(f"{pooling.pooling_strategy} {pooling.activation_function}" for pooling in poolings),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "prompts": json.dumps(self.model.prompts, sort_keys=True),
            "max_tokens": self.model.max_seq_length or 0,
            "max_active_dims": self.model.max_active_dims or 0,
        }

    def encode_query(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return the weights of each query's tokens and of those it is expanded by.

        Raises:
            PaperError: If a query holds no text.
        """
        return _vectors(self.model.encode_query(_checked(texts), **_OPTIONS))

    def encode_document(self, texts: Sequence[str]) -> list[SparseVector]:
        """Return the weights of each document's tokens and of those it is expanded by.

        Raises:
            PaperError: If a document holds no text.
        """
        return _vectors(self.model.encode_document(_checked(texts), **_OPTIONS))


_OPTIONS: dict[str, Any] = {
    "batch_size": _TEXTS_AT_ONCE,
    "show_progress_bar": False,
    "convert_to_tensor": False,
    "save_to_cpu": True,
}


def _checked(texts: Sequence[str]) -> list[str]:
    return [input_text(text, " ") for text in texts]


def _vectors(embeddings: Sequence[torch.Tensor]) -> list[SparseVector]:
    rows = [embedding.coalesce() for embedding in embeddings]
    return [SparseVector(row.indices()[0].tolist(), row.values().tolist()) for row in rows]
