"""Sentence Transformers' trainer, with heads that are saved and resumed with the model, and finite numbers alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformerTrainer
from torch import Tensor, nn
from transformers import TrainerCallback
from typing_extensions import override

from specter2_plugins.errors import TrainingError
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.training.examples import RECORD
from specter2_plugins.training.finite import Pass, check_gradients, check_loss, check_weights
from specter2_plugins.training.heads import Head, load_heads, save_heads
from specter2_plugins.training.limits import cut_at
from specter2_plugins.training.losses import HeadLoss
from specter2_plugins.training.same_run import Begun

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


class _CheckSteps(TrainerCallback):
    def __init__(self, trainer: TaskTrainer) -> None:
        self._trainer = trainer

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.check_step(kwargs["optimizer"])


class _StopAtTheEnd(TrainerCallback):
    """transformers makes one more step where a checkpoint has made all of them."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step > state.max_steps:
            raise TrainingError(
                f"{args.output_dir} is {state.global_step} steps far, and {state.max_steps} are asked for"
            )
        if state.global_step == state.max_steps:
            raise AllSteps


class AllSteps(Exception):
    """The checkpoint that a run went on from has all steps."""


class _Collator:
    """Sentence Transformers' collator, which would take the numbers of records for texts.

    Args:
        inner: What collates the rest.
    """

    def __init__(self, inner: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        batch = self._inner([{name: value for name, value in row.items() if name != RECORD} for row in features])
        return {**batch, RECORD: torch.tensor([row[RECORD] for row in features])}


class TaskTrainer(SentenceTransformerTrainer):
    """A trainer of several tasks, whose checkpoints hold their heads too.

    Args:
        begun: What the run is begun with, for its checkpoints.
        tokens: Where the model that is saved cuts texts.
        train_dataset: Examples by task, with the numbers of their records.
        **kwargs: As for Sentence Transformers' trainer.
    """

    loss: dict[str, nn.Module]

    def __init__(self, *, begun: Begun, tokens: int, train_dataset: Mapping[str, Dataset], **kwargs: Any) -> None:
        # The model's card describes the columns that it is given here.
        plain = DatasetDict({task: dataset.remove_columns(RECORD) for task, dataset in train_dataset.items()})
        super().__init__(train_dataset=plain, **kwargs)
        self.train_dataset = self.preprocess_dataset(DatasetDict(train_dataset), dataset_name="train")
        self.data_collator = cast(Any, _Collator(self.data_collator))
        self._begun = begun
        self._tokens = tokens
        self._passes: list[Pass] = []
        self.add_callback(_CheckSteps(self))
        self.add_callback(_ClearGradients())
        self.add_callback(_WarnOfWarmup())
        # Before TensorBoard's, which begins a file.
        self.callback_handler.callbacks.insert(0, _StopAtTheEnd())

    @property
    def heads(self) -> dict[str, Head]:
        """The heads by task."""
        return {task: loss.head for task, loss in self.loss.items() if isinstance(loss, HeadLoss)}

    @override
    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        records = inputs.pop(RECORD).tolist()
        task = inputs["dataset_name"]
        loss = cast(Tensor, super().compute_loss(model, inputs, *args, **kwargs))
        check_loss(loss, self.state.global_step + 1, task, records)
        self._passes.append((task, records))
        return loss

    def check_step(self, optimizer: Any) -> None:
        """Stop before a step whose gradients are not finite."""
        # The scaler of float16 leaves out steps whose gradients are too large, and lowers its factor until it is spent.
        scaler = self.accelerator.scaler
        if scaler is None or scaler.get_scale() < 1:
            trained = (parameter for group in optimizer.param_groups for parameter in group["params"])
            check_gradients(trained, self.state.global_step + 1, self._passes)
        self._passes.clear()

    def check_finite(self) -> None:
        """Refuse weights that are not finite.

        Raises:
            TrainingError: If the model or a head has any.
        """
        trained: list[tuple[str, Tensor]] = [
            (name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad
        ]
        heads = [
            (f"{task}.{name}", tensor) for task, head in self.heads.items() for name, tensor in head.named_parameters()
        ]
        check_weights([*trained, *heads], self.state.global_step)

    def save_result(self, folder: Path) -> None:
        """Write the model, which cuts texts where it did before training, and the heads."""
        self.check_finite()
        with cut_at(cast(Specter2, self.model), self._tokens):
            self.model.save_pretrained(str(folder))
        save_heads(self.heads, folder)

    @override
    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        self.check_finite()
        with cut_at(cast(Specter2, self.model), self._tokens):
            super()._save(output_dir, state_dict)
        save_heads(self.heads, output_dir or str(self.args.output_dir))
        if output_dir is not None and Path(output_dir) != Path(str(self.args.output_dir)):
            self._begun.write(Path(output_dir))

    @override
    def _load_from_checkpoint(self, checkpoint_path: str) -> None:  # type: ignore[override]
        super()._load_from_checkpoint(checkpoint_path)
        saved = load_heads(Path(checkpoint_path)) if self.heads else {}
        for task, head in self.heads.items():
            head.load_state_dict(saved[task].state_dict())
