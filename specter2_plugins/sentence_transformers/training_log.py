"""A run's log, for whoever called for it, instead of transformers' own lines and bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from transformers import TrainerCallback, TrainerState

Log: TypeAlias = Callable[[int, int, dict[str, float]], object]
"""Called with the step, the steps in all, and what was measured there."""


OnStep: TypeAlias = Callable[[int, int], object]
"""Called after each step with its number, and the steps in all."""


class LogCallback(TrainerCallback):
    """Hands the trainer's log on: loss, learning rate and norm of the gradient, or what a validation found."""

    def __init__(self, log: Log, on_step: OnStep) -> None:
        self._log = log
        self._on_step = on_step

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Tell of a step."""
        self._on_step(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Write one entry of the log."""
        found = {
            name.removeprefix("eval_"): float(value)
            for name, value in kwargs["logs"].items()
            if name in ("loss", "learning_rate", "grad_norm") or name.startswith("eval_")
        }
        if found:
            self._log(state.global_step, state.max_steps, found)
