"""What a run was begun with, kept in each of its checkpoints: only the same run goes on from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from specter2_plugins.errors import TrainingError, one_line
from specter2_plugins.printable import from_json, to_json
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.tasks import BASE
from specter2_plugins.training.options import TrainingOptions
from specter2_plugins.training.report import TrainingReport
from specter2_plugins.training.tasks import TrainingTask

FILE = "specter2_run.json"

_LENGTH = ("epochs", "max_steps", "patience")
"""How long a run is: one that is over goes on where these have changed."""
_FREE = (*_LENGTH, "every", "keep", "log_every", "precision", "gradient_checkpointing", "cpu")
"""What may change from a checkpoint on."""
_SHOWN = 5


@dataclass(frozen=True)
class Begun:
    """The settings of a run, and what came of it once it is over.

    Args:
        model: What it starts from: a name for the reader, and the digest of its base.
        tasks: By name, all that tells what is learned.
        options: How.
        report: What came of it, as `TrainingReport.to_dict` has it; None until it is over.
    """

    model: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any]
    report: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, model: Specter2, tasks: Sequence[TrainingTask], options: TrainingOptions, examples: Mapping[str, int]
    ) -> Begun:
        """Describe a run that is about to begin; `examples` are the numbers of them by task."""
        start = model.fingerprint(BASE)
        described = {task.name: {**_plain(task), "examples": examples.get(task.name, 0)} for task in tasks}
        return cls({"name": start.base, "weights": start.weights}, described, asdict(options))

    @classmethod
    def read(cls, checkpoint: Path) -> Begun:
        """Read what a checkpoint's run was begun with.

        Raises:
            TrainingError: If the checkpoint does not tell.
        """
        try:
            return cls(**from_json((checkpoint / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{checkpoint} does not tell what it was begun with: {one_line(error)}") from None

    def write(self, checkpoint: Path) -> None:
        """Write the settings into a checkpoint."""
        (checkpoint / FILE).write_text(to_json(asdict(self), indent=2) + "\n", encoding="utf-8")

    def check(self, checkpoint: Path, before: Begun) -> None:
        """Refuse to go on with other settings.

        Raises:
            TrainingError: The message lists what has changed.
        """
        differences = list(self._differences(before))
        if differences:
            more = len(differences) - _SHOWN
            told = "; ".join(differences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise TrainingError(f"{checkpoint} is of another run than this: {told}")

    def is_longer(self, before: Begun) -> bool:
        """Return whether a run that was over is to go on."""
        return any(_json(self.options[name]) != before.options.get(name) for name in _LENGTH)

    def _differences(self, before: Begun) -> Iterator[str]:
        if self.model["weights"] != before.model.get("weights"):
            yield f"the model to start from is {self.model['name']}, was {before.model.get('name')}, of other weights"
        for task in sorted(before.tasks.keys() - self.tasks.keys()):
            yield f"task {task!r} is gone"
        for task, now in self.tasks.items():
            if task not in before.tasks:
                yield f"task {task!r} is new"
                continue
            yield from (f"task {task!r}: {change}" for change in _changes(before.tasks[task], now))
        yield from _changes(before.options, {name: self.options[name] for name in self.options if name not in _FREE})


def last_checkpoint(out: Path) -> Path | None:
    """Return the last whole checkpoint in a run's folder."""
    # The trainer's state is what is written last.
    found = [state.parent for state in out.glob(f"{PREFIX_CHECKPOINT_DIR}-*/{TRAINER_STATE_NAME}")]
    return max(found, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint was made after."""
    return int(checkpoint.name.rpartition("-")[2])


def finished(before: Begun, out: Path) -> TrainingReport:
    """Return what came of a run that is over."""
    assert before.report is not None
    return TrainingReport(**{**before.report, "folder": out})


def _plain(task: TrainingTask) -> dict[str, Any]:
    """Return what is learned of a task; its files may have moved."""
    return {name: value for name, value in asdict(task).items() if name not in ("name", "source")}


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, value in now.items():
        if _json(value) != before.get(name):
            yield f"{name} is {_shown(value)}, was {_shown(before.get(name))}"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) > _SHOWN:
        return f"{len(value)} of them"
    return to_json(_json(value))


def _json(value: Any) -> Any:
    return from_json(json.dumps(value))
