"""How to train: the published settings, and what a smaller machine changes about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from sentence_transformers.util import get_device_name

from specter2_plugins.engine.machine import auto_dtype
from specter2_plugins.errors import TrainingError

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Sampling = Literal["proportional", "round_robin"]
Schedule = Literal["linear", "cosine", "constant_with_warmup"]


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the defaults are those of SPECTER2's adapters.

    Example:
        >>> TrainingOptions(epochs=2, learning_rate=5e-5).batch_size
        256

    Args:
        batch_size: Examples to an optimiser step; what the device does not hold at once is accumulated.
        device_batch_size: Examples that the device holds at once; each batch is of one task.
        learning_rate: At its peak.
        head_learning_rate: The same of the linear layers of labelled tasks, which start from nothing: where they learn
            faster than an adapter, it gives up less of what else its embeddings tell. Default: `learning_rate`.
        epochs: Passes over the examples.
        max_steps: Optimiser steps, instead of epochs.
        warmup: Steps until the peak or, below 1, their share of all.
        schedule: How the learning rate falls afterwards.
        max_tokens: Where longer texts are cut in training. Default, and most: where the model cuts them.
        margin: The triplet loss's margin, in the embeddings' units.
        sampling: How tasks take turns: as often as they have batches, or each as often as the smallest.
        precision: Of the arithmetic; the weights stay in float32. "auto" is bfloat16 where the device computes it in
            hardware, float16 on older GPUs, float32 elsewhere.
        gradient_checkpointing: Compute activations twice instead of keeping them.
        every: Steps from a checkpoint and validation to the next. Default: an epoch.
        keep: How many checkpoints stay; the best is among them.
        patience: Validations without a better loss after which training stops; the best checkpoint is the result.
        log_every: Steps from a line of the log to the next.
        seed: Of the fresh weights, samples, batches and dropout.
        cpu: Whether to leave a GPU alone.
    """

    batch_size: int = 256
    device_batch_size: int = 16
    learning_rate: float = 1e-4
    head_learning_rate: float | None = None
    epochs: float = 6
    max_steps: int | None = None
    warmup: float = 1000
    schedule: Schedule = "linear"
    max_tokens: int | None = None
    margin: float = 1.0
    sampling: Sampling = "proportional"
    precision: Precision = "auto"
    gradient_checkpointing: bool = False
    every: int | None = None
    keep: int = 2
    patience: int | None = None
    log_every: int = 10
    seed: int = 42
    cpu: bool = False

    def __post_init__(self) -> None:
        for name, known in (("precision", Precision), ("sampling", Sampling), ("schedule", Schedule)):
            if getattr(self, name) not in get_args(known):
                raise TrainingError(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(get_args(known))}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise TrainingError(f"{name} is {value}, expected a number above 0")
        if not 0 <= self.warmup < math.inf:
            raise TrainingError(f"warmup is {self.warmup}, expected steps, or a share below 1")
        if not 0 <= self.seed < _SEEDS:
            raise TrainingError(f"seed is {self.seed}, expected a whole number from 0 to {_SEEDS - 1}")
        if self.batch_size % self.at_once:
            raise TrainingError(
                f"batch_size is {self.batch_size}, which batches of device_batch_size {self.at_once} do not make up"
            )

    @property
    def at_once(self) -> int:
        """Examples of one forward pass."""
        return min(self.device_batch_size, self.batch_size)

    @property
    def passes(self) -> int:
        """Forward passes of one optimiser step."""
        return self.batch_size // self.at_once

    def arguments(self) -> dict[str, Any]:
        """Return the same for `SentenceTransformerTrainingArguments`.

        Raises:
            TrainingError: If the device does not train in this precision.
        """
        rhythm = "epoch" if self.every is None else "steps"
        device = "cpu" if self.cpu else get_device_name()
        dtype = _dtype(self.precision, device, auto_dtype(device) is torch.bfloat16)
        return {
            "per_device_train_batch_size": self.at_once,
            "gradient_accumulation_steps": self.passes,
            "learning_rate": self.learning_rate,
            "num_train_epochs": self.epochs,
            "max_steps": self.max_steps or -1,
            "warmup_steps": self.warmup if self.warmup < 1 else int(self.warmup),
            "lr_scheduler_type": self.schedule,
            "multi_dataset_batch_sampler": self.sampling,
            "bf16": dtype is torch.bfloat16,
            "fp16": dtype is torch.float16,
            "save_strategy": rhythm,
            "save_steps": self.every or 1,
            "save_total_limit": self.keep,
            "logging_steps": self.log_every,
            "seed": self.seed,
            "use_cpu": device == "cpu",
            **({"gradient_checkpointing": True} if self.gradient_checkpointing else {}),
        }


def _dtype(precision: Precision, device: str, has_bfloat16: bool) -> torch.dtype:
    """Return what a device computes in.

    Args:
        precision: What is asked for.
        device: As `get_device_name` calls it, such as "cpu" or "cuda:0".
        has_bfloat16: Whether it computes bfloat16 in hardware.

    Raises:
        TrainingError: If it cannot train in what is asked for. A CPU emulates bfloat16; float16 takes a scaler of
            losses, which transformers has for GPUs alone: on a CPU it would train in float32 without a word.
    """
    kind = device.partition(":")[0]
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16 else torch.float16 if kind == "cuda" else torch.float32
    lacking = precision == "float16" if kind == "cpu" else precision == "bfloat16" and not has_bfloat16
    if lacking:
        other = "bfloat16" if kind == "cpu" else "float16"
        raise TrainingError(f"precision is {precision}, in which {device} does not train; name float32 or {other}")
    return getattr(torch, precision)


_SEEDS = 2**32

_POSITIVE = (
    "batch_size",
    "device_batch_size",
    "learning_rate",
    "head_learning_rate",
    "epochs",
    "max_steps",
    "max_tokens",
    "margin",
    "every",
    "keep",
    "patience",
    "log_every",
)

ADAPTERS = TrainingOptions()
"""Stage two, the adapters."""

BASE = TrainingOptions(batch_size=1024, learning_rate=2e-5, epochs=2, warmup=0.1)
"""Stage one, the base on citation triplets."""
