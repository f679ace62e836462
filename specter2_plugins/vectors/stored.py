"""Embeddings that were made before, in place of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specter2_plugins.errors import PaperError, StoreError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers import Paper, PaperLike
from specter2_plugins.papers.idset import IdSet
from specter2_plugins.tasks import BASE, route
from specter2_plugins.vectors.parts import Parts


@dataclass(frozen=True)
class EmbeddedPaper(Paper):
    """A paper with its vectors.

    Args:
        vectors: Adapter, or "base" -> [dimensions].
        superseded: Whether a later version of it is among the embeddings.
    """

    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)
    superseded: bool = field(default=False, repr=False, compare=False)


class StoredEmbeddings:
    """What `embed_papers` wrote; a `PaperEncoder` of the papers in it.

    Example:
        >>> from specter2_plugins import load_specter2, read_papers
        >>> from specter2_plugins.pipeline import embed_papers
        >>> report = embed_papers(read_papers("papers.jsonl"), "embeddings", load_specter2("mini"))
        >>> len(list(StoredEmbeddings("embeddings").papers()))
        8

    Args:
        folder: A folder, or the address of one, as for `embed_papers`.

    Raises:
        StoreError: If there are no embeddings in it, or its parts were made with different models.
    """

    def __init__(self, folder: str | Path) -> None:
        self._parts = Parts(folder)
        self._names = self._parts.names()
        if not self._names:
            raise StoreError(f"there are no embeddings in {folder}; `specter2 embed FILES --out {folder}` makes some")
        self._fingerprints = common_fingerprints(self._parts, self._names)
        self._dimensions = self._parts.dimensions(self._names[0], self.adapters[0])

    @property
    def folder(self) -> str:
        """The folder, or the address of one."""
        return self._parts.name

    @property
    def adapters(self) -> list[str]:
        """What the papers went through; "base" among them, if they went through no adapter."""
        return list(self._fingerprints)

    @property
    def adapter_tasks(self) -> list[str]:
        """The tasks that have an adapter."""
        return [adapter for adapter in self._fingerprints if adapter != BASE]

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    def fingerprint(self, task: str | None = None) -> Fingerprint:
        """Return what the vectors of a task were made with.

        Raises:
            TaskError: If there are no vectors of the task.
        """
        return self._fingerprints[route(task, self.adapter_tasks) or BASE]

    def papers(self) -> Iterator[EmbeddedPaper]:
        """Yield all papers, the latest first: of a paper that was embedded again the new version counts."""
        seen = IdSet()
        for name in reversed(self._names):
            latest = seen.add(self._parts.made_of(name)[0])
            for (paper, vectors), is_latest in zip(self._parts.rows(name), latest, strict=True):
                yield EmbeddedPaper(
                    paper.title, paper.abstract, paper.id, paper.metadata, vectors=vectors, superseded=not is_latest
                )

    def encode(
        self,
        inputs: Sequence[PaperLike],
        *,
        task: str,
        show_progress_bar: bool = False,
        on_pass: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float32]:
        """Return the vectors of papers that `papers` gave: [papers, dimensions].

        Raises:
            PaperError: If a paper came from elsewhere.
            TaskError: If there are no vectors of the task.
        """
        adapter = self.fingerprint(task).adapter
        rows = []
        for paper in inputs:
            if not isinstance(paper, EmbeddedPaper):
                raise PaperError(f"{paper!r:.80} is not one of the embeddings in {self._parts.name}")
            rows.append(paper.vectors[adapter])
        return np.stack(rows)


def common_fingerprints(parts: Parts, names: Sequence[str]) -> dict[str, Fingerprint]:
    """Return what the vectors of all parts were made with.

    Raises:
        StoreError: If that is not the same for all.
    """
    first = parts.fingerprints(names[0])
    for name in names[1:]:
        other = parts.fingerprints(name)
        if other.keys() != first.keys() or any(first[key].differences(other[key].to_dict()) for key in first):
            raise StoreError(
                f"{parts.name}: {names[0]} and {name} were made with different models; embed into two folders"
            )
    return first
