"""Sentence Transformers' trainer, with heads that are saved and resumed with the model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformerTrainer
from torch import nn
from transformers import TrainerCallback
from typing_extensions import override

from specter2_plugins.errors import TrainingError
from specter2_plugins.training.heads import Head, load_heads, save_heads
from specter2_plugins.training.losses import HeadLoss

logger = logging.getLogger(__name__)


class _ClearGradients(TrainerCallback):
    """Sentence Transformers 5 clears the gradients of the model alone, so that those of heads would pile up."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        kwargs["optimizer"].zero_grad()


class _WarnOfWarmup(TrainerCallback):
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if args.get_warmup_steps(state.max_steps) >= state.max_steps:
            logger.warning(
                "training ends after %d steps, before the learning rate has reached its peak: lower warmup, "
                "or raise epochs",
                state.max_steps,
            )


class TaskTrainer(SentenceTransformerTrainer):
    """A trainer of several tasks, whose checkpoints hold their heads too."""

    loss: dict[str, nn.Module]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_callback(_ClearGradients())
        self.add_callback(_WarnOfWarmup())

    @property
    def heads(self) -> dict[str, Head]:
        """The heads by task."""
        return {task: loss.head for task, loss in self.loss.items() if isinstance(loss, HeadLoss)}

    @override
    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        save_heads(self.heads, output_dir or str(self.args.output_dir))

    @override
    def _load_from_checkpoint(self, checkpoint_path: str) -> None:  # type: ignore[override]
        super()._load_from_checkpoint(checkpoint_path)
        heads = self.heads
        if heads:
            saved = load_heads(Path(checkpoint_path))
            if _kinds(saved) != _kinds(heads):
                raise TrainingError(f"{checkpoint_path} is of other tasks or labels than these")
            for task, head in heads.items():
                head.load_state_dict(saved[task].state_dict())


def _kinds(heads: Mapping[str, Head]) -> list[Any]:
    return [(task, head.labels, head.scale) for task, head in heads.items()]
