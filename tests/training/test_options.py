"""Settings as transformers takes them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformerTrainingArguments
from transformers import training_args

from specter2_plugins.errors import TrainingError
from specter2_plugins.training import TrainingOptions, options

HARDWARE = {
    # device, whether it has bfloat16: what "auto", "float32", "bfloat16" and "float16" are there
    ("cpu", True): ("bfloat16", "float32", "bfloat16", None),
    ("cpu", False): ("float32", "float32", "bfloat16", None),
    ("cuda", True): ("bfloat16", "float32", "bfloat16", "float16"),
    ("cuda:1", True): ("bfloat16", "float32", "bfloat16", "float16"),
    ("cuda", False): ("float16", "float32", None, "float16"),
    ("mps", False): ("float32", "float32", None, "float16"),
}
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
TABLE = [
    (*machine, precision, expected)
    for machine, found in HARDWARE.items()
    for precision, expected in zip(PRECISIONS, found, strict=True)
]


@pytest.mark.parametrize("leave_gpu", [False, True], ids=["best device", "cpu asked for"])
@pytest.mark.parametrize(("device", "has_bfloat16", "precision", "expected"), TABLE)
def test_the_device_decides_and_the_user_may_override(
    device: str,
    has_bfloat16: bool,
    precision: Any,
    expected: str | None,
    leave_gpu: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """transformers takes the settings on each machine, or one line says what to ask for instead."""
    monkeypatch.setattr(options, "get_device_name", lambda: device)
    monkeypatch.setattr(options, "auto_dtype", lambda where: torch.bfloat16 if has_bfloat16 else torch.float32)
    monkeypatch.setattr(training_args, "is_torch_bf16_gpu_available", lambda: has_bfloat16 and device != "cpu")
    asked = TrainingOptions(precision=precision, cpu=leave_gpu)
    if leave_gpu:
        expected = HARDWARE["cpu", has_bfloat16][PRECISIONS.index(precision)]
    if expected is None:
        with pytest.raises(TrainingError, match=rf"^precision is {precision}, in which .* does not train; name fl"):
            asked.arguments()
        return
    args = SentenceTransformerTrainingArguments(str(tmp_path), **asked.arguments())
    assert (args.bf16, args.fp16) == (expected == "bfloat16", expected == "float16")
    assert args.use_cpu == (leave_gpu or device == "cpu")


NUMBERS = ("learning_rate", "head_learning_rate", "epochs", "margin", "max_tokens", "batch_size", "device_batch_size")


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 0])
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number_above_zero(name: str, value: float) -> None:
    with pytest.raises(TrainingError, match=rf"^{name} is {value}, expected a number above 0$"):
        replace(TrainingOptions(), **{name: value})


@pytest.mark.parametrize(("name", "value"), [("warmup", math.nan), ("warmup", math.inf), ("seed", -1), ("seed", 2**32)])
def test_other_numbers_that_cannot_be(name: str, value: float) -> None:
    with pytest.raises(TrainingError, match=rf"^{name} is {value}, expected "):
        replace(TrainingOptions(), **{name: value})
