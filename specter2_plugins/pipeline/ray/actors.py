"""What runs on the machines of a cluster: a model that is loaded once, and does one piece of work after another."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specter2_plugins.checkpoints.plan import Adapters
from specter2_plugins.errors import Specter2Error, WorkerError
from specter2_plugins.fingerprint import Fingerprint
from specter2_plugins.papers.encoder import PaperEncoder
from specter2_plugins.papers.points import PaperPoint
from specter2_plugins.pipeline.embed import Part, write_part
from specter2_plugins.pipeline.ingestion.ingest import ingest_batch
from specter2_plugins.pipeline.ray.pieces import Piece
from specter2_plugins.pipeline.report import IngestReport
from specter2_plugins.sparse import load_sparse
from specter2_plugins.store.client import open_client
from specter2_plugins.store.faults import Retries
from specter2_plugins.store.spec import CollectionSpec
from specter2_plugins.vectors.parts import Parts

BATCH = 1024
"""Papers that an actor embeds at once."""
WORK, DONE = "work", "done"
"""The columns that an actor reads and writes, both pickled."""


@dataclass(frozen=True)
class RayModel:
    """A model that every actor loads for itself.

    Args:
        name: As for `load_specter2`; a folder must be there on every machine.
        dtype: As for `load_specter2`, but not "auto", which may be one on this machine and another on the next.
        device: Where an actor runs it; by default the best its machine has.
        adapters: As for `load_specter2`; folders must be there on every machine.
    """

    name: str
    dtype: str | None = None
    device: str | None = None
    adapters: Adapters = None

    def __post_init__(self) -> None:
        if self.dtype == "auto":
            raise WorkerError("dtype 'auto' may differ from machine to machine; name float32 or bfloat16")
        # Actors have another working directory.
        object.__setattr__(self, "name", _absolute(self.name))
        if isinstance(self.adapters, Mapping):
            adapters = {task: _absolute(str(source)) for task, source in self.adapters.items()}
            object.__setattr__(self, "adapters", adapters)

    def load(self, device: str | None = None) -> PaperEncoder:
        """Load it."""
        from specter2_plugins.sentence_transformers.load import load_specter2

        return load_specter2(self.name, adapters=self.adapters, dtype=self.dtype, device=device or self.device)


def _absolute(place: str) -> str:
    folder = Path(place).expanduser()
    return str(folder.absolute()) if folder.is_dir() else place


class Actor:
    """What holds the model on a machine."""

    def __init__(self, model: RayModel, fingerprints: dict[str, Fingerprint]) -> None:
        self._model = model.load()
        for adapter, expected in fingerprints.items():
            differences = self._model.fingerprint(adapter).differences(expected.to_dict())
            if differences:
                raise WorkerError(f"an actor has another model {model.name!r}. {'; '.join(differences)}")

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Do the work of some pieces."""
        return {DONE: np.array([self._done(pickled) for pickled in rows[WORK]], dtype=object)}

    def _done(self, pickled: bytes) -> bytes:
        # Ray wraps what is raised into its own errors, and loses the cause; so errors of ours travel as results.
        piece: Piece | Specter2Error = pickle.loads(pickled)
        if isinstance(piece, Specter2Error):
            return pickled
        report = IngestReport()
        report.add(**piece.counts)
        try:
            if piece.work is not None:
                self.do(piece.work, report)
        except Specter2Error as error:
            return pickle.dumps(error)
        return pickle.dumps((report.to_dict(), piece.total, piece.rejected, [*piece.conflicts, *report.conflicts]))

    def do(self, work: Any, report: IngestReport) -> None:
        """Do a piece of work, and count it."""
        raise NotImplementedError


class Ingester(Actor):
    """Embeds batches of papers and writes them into a collection."""

    def __init__(
        self,
        model: RayModel,
        fingerprints: dict[str, Fingerprint],
        spec: CollectionSpec,
        server: dict[str, Any],
    ) -> None:
        super().__init__(model, fingerprints)
        self._spec = spec
        self._server = server
        self._sparse = [load_sparse(name) for name in spec.sparse]

    def do(self, work: Sequence[PaperPoint], report: IngestReport) -> None:
        """Ingest a batch, but for what the collection holds already."""
        with open_client(**self._server) as client:
            ingest_batch(work, client, self._model, self._spec, self._sparse, Retries(), report)


class Writer(Actor):
    """Embeds parts and writes them."""

    def __init__(self, model: RayModel, fingerprints: dict[str, Fingerprint], folder: str) -> None:
        super().__init__(model, fingerprints)
        self._fingerprints = fingerprints
        self._parts = Parts(folder)

    def do(self, work: Part, report: IngestReport) -> None:
        """Write a part."""
        write_part(work, self._parts, self._model, self._fingerprints, BATCH, report)
