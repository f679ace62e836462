"""A run stops at the first number that is not finite, and saves none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from specter2_plugins.errors import TrainingError

_SHOWN = 8

Pass = tuple[str, list[int]]
"""A task, and the records that a forward pass took of its training data."""


def check_loss(loss: Tensor, step: int, task: str, records: list[int], part: str = "training") -> None:
    """Stop at a loss that is not finite.

    Args:
        loss: What was computed.
        step: The optimiser step, from 1.
        task: The task.
        records: The records of its data that it was computed of.
        part: Which data these are.

    Raises:
        TrainingError: If it is infinite or no number; the message names task, step and records.
    """
    if not torch.isfinite(loss).all():
        value = loss.detach().float().mean().item()
        raise TrainingError(
            f"step {step}: the {part} loss of task {task!r} is {value}, of its records {_listed(records)}; "
            "look at these, or lower the learning rate"
        )


def check_gradients(parameters: Iterable[nn.Parameter], step: int, passes: Sequence[Pass]) -> None:
    """Stop at a gradient that is not finite, before it changes any weight.

    Args:
        parameters: What is trained.
        step: The optimiser step, from 1.
        passes: What the gradients were computed of.

    Raises:
        TrainingError: If one is infinite or no number; the message names step, tasks and records.
    """
    if not all(torch.isfinite(each.grad).all() for each in parameters if each.grad is not None):
        records: dict[str, list[int]] = {}
        for task, some in passes:
            records.setdefault(task, []).extend(some)
        where = " and ".join(f"task {task!r}, records {_listed(some)}" for task, some in records.items())
        raise TrainingError(f"step {step}: a gradient is not finite, of {where}; lower the learning rate")


def check_weights(named: Iterable[tuple[str, Tensor]], step: int) -> None:
    """Refuse to save weights that are not finite.

    Raises:
        TrainingError: If there is one; the message names it.
    """
    for name, tensor in named:
        if not torch.isfinite(tensor).all():
            raise TrainingError(
                f"step {step}: the weights {name} are not finite, and are not saved; lower the learning rate, and go "
                "on from the last checkpoint with --resume if there is one"
            )


def _listed(records: Sequence[int]) -> str:
    numbers = sorted(set(records))
    more = len(numbers) - _SHOWN
    return ", ".join(map(str, numbers[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
