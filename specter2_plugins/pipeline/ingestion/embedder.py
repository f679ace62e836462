"""Papers -> points, with the vectors of every task and of every sparse encoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from qdrant_client import models

from specter2_plugins.papers import Paper
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.points import PaperPoint
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.sparse import SparseTextEncoder


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
        sparse: Sequence[SparseTextEncoder],
        report: IngestReport,
        on_progress: Callable[[], object],
    ) -> None:
        self._model = model
        self._adapters = adapters
        self._sparse = sparse
        self._report = report
        self._on_progress = on_progress

    def points(self, entries: Sequence[PaperPoint]) -> list[models.PointStruct]:
        """Embed papers and count them."""
        vectors = self.vectors([entry.paper for entry in entries])
        self._report.add(embedded=len(entries))
        return [
            models.PointStruct(id=entry.point, vector=vector, payload=entry.payload)
            for entry, vector in zip(entries, vectors, strict=True)
        ]

    def vectors(self, papers: Sequence[Paper | str]) -> list[dict[str, Any]]:
        """Embed papers, or texts that are none: for each, the name of a vector -> the vector."""
        started = time.monotonic()
        vectors: list[dict[str, Any]] = [{} for _ in papers]
        for adapter in self._adapters:
            dense = self._model.encode(papers, task=adapter, show_progress_bar=False, on_pass=self._passed)
            for named, vector in zip(vectors, dense, strict=True):
                named[adapter] = vector.tolist()
        for encoder in self._sparse:
            texts = [paper if isinstance(paper, str) else paper.text(" ") for paper in papers]
            for named, words in zip(vectors, encoder.encode_document(texts), strict=True):
                named[encoder.name] = models.SparseVector(indices=words.indices, values=words.values)
        self._report.add(encoding_seconds=time.monotonic() - started)
        return vectors

    def _passed(self, texts: int, tokens: int) -> None:
        # Every paper is embedded once for each adapter, and counted once, at the end of its batch.
        self._report.add(tokens=tokens)
        self._on_progress()
