"""Papers -> points, with the vectors of every task and of every sparse encoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from qdrant_client import models

from specter2_plugins.paper_encoder import PaperEncoder
from specter2_plugins.qdrant.ingestion.report import IngestReport
from specter2_plugins.qdrant.points import Entry
from specter2_plugins.sparse import SparseEncoder


class Embedder:
    """Makes points.

    Args:
        model: The model.
        adapters: What papers go through; these name their vectors.
        sparse: The encoders of their sparse vectors.
        report: Where papers, tokens and time are counted.
        on_progress: Called after each batch.
    """

    def __init__(
        self,
        model: PaperEncoder,
        adapters: Sequence[str],
        sparse: Sequence[SparseEncoder],
        report: IngestReport,
        on_progress: Callable[[], object],
    ) -> None:
        self._model = model
        self._adapters = adapters
        self._sparse = sparse
        self._report = report
        self._on_progress = on_progress

    def points(self, entries: Sequence[Entry]) -> list[models.PointStruct]:
        """Embed papers."""
        started = time.monotonic()
        papers = [entry.paper for entry in entries]
        vectors: list[dict[str, Any]] = [{} for _ in entries]
        for adapter in self._adapters:
            dense = self._model.encode(papers, task=adapter, show_progress_bar=False, on_pass=self._passed)
            for named, vector in zip(vectors, dense, strict=True):
                named[adapter] = vector.tolist()
        for encoder in self._sparse:
            texts = [paper.text(" ") for paper in papers]
            for named, words in zip(vectors, encoder.encode_document(texts), strict=True):
                named[encoder.name] = models.SparseVector(indices=words.indices, values=words.values)
        self._report.add(embedded=len(entries), encoding_seconds=time.monotonic() - started)
        return [
            models.PointStruct(id=entry.point, vector=vector, payload=entry.payload)
            for entry, vector in zip(entries, vectors, strict=True)
        ]

    def _passed(self, texts: int, tokens: int) -> None:
        # Every paper is embedded once for each adapter, and counted once, at the end of its batch.
        self._report.add(tokens=tokens)
        self._on_progress()
