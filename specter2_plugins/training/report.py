"""What came of a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingReport:
    """What came of a run.

    Args:
        folder: The model, for `load_specter2`; its heads, for `load_heads`; `adapters/<task>/`, in AdapterHub's format.
        steps: Optimiser steps made, those before a resumption included.
        examples: Training examples by task.
        loss: The mean training loss of this run.
        metrics: Of the validation, by name; {} where no task has validation data.
    """

    folder: Path
    steps: int
    examples: dict[str, int]
    loss: float
    metrics: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON would hold it."""
        return {**asdict(self), "folder": str(self.folder)}
