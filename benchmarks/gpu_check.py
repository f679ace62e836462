"""Compare a GPU with this machine's CPU in float32: vectors in each precision and engine, and a few steps of training.

Run: python -m benchmarks.gpu_check [--device cuda] [--model mini] [--papers 64]

It ends with exit code 1 if a precision is farther off than its tolerance. No GPU was at hand when it was written: it
has been run with --device cpu alone, which takes minutes, for CPUs emulate float16.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch

from specter2_plugins import Paper, TrainingError, load_specter2, read_papers
from specter2_plugins.adapters.config import NAMED_CONFIGS
from specter2_plugins.demo import SAMPLE_PAPERS
from specter2_plugins.mining import Triplet, write_triplets
from specter2_plugins.training import TrainingOptions, TrainingTask, train_adapters

_LEAST_COSINE = {"float32": 0.9999, "bfloat16": 0.99, "float16": 0.999}
_MOST_LOSS_OFF = {"float32": 0.01, "bfloat16": 0.05, "float16": 0.05}
"""The share by which the mean loss of the steps may differ."""
_TRIPLETS = 16
_OPTIONS = TrainingOptions(batch_size=8, device_batch_size=8, max_steps=4, warmup=1, learning_rate=1e-3, max_tokens=64)

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Result:
    """One comparison."""

    what: str
    measured: str
    good: bool


def vectors(model: str, device: str, papers: list[Paper]) -> Iterator[Result]:
    """Compare the vectors of every adapter with those of the CPU in float32."""
    here = load_specter2(model, device="cpu")
    tasks = ["base", *here.adapter_tasks]
    expected = {task: here.encode(papers, task=task, show_progress_bar=False) for task in tasks}
    for precision, least in _LEAST_COSINE.items():
        for engine in ("auto", "reference"):
            there = load_specter2(model, device=device, dtype=precision, engine=engine)
            found = {task: there.encode(papers, task=task, show_progress_bar=False) for task in tasks}
            cosine = min(_cosine(found[task], expected[task]) for task in tasks)
            yield Result(f"vectors, {engine}, {precision}", f"cosine {cosine:.6f}, least {least}", cosine >= least)


def training(model: str, device: str, papers: list[Paper], work: Path) -> Iterator[Result]:
    """Compare the loss of a few steps with the CPU's in float32."""
    named = {str(number): replace(paper, id=str(number)) for number, paper in enumerate(papers)}
    ids = list(named)
    triplets = [Triplet(ids[n % len(ids)], ids[(n + 1) % len(ids)], ids[(n + 7) % len(ids)]) for n in range(_TRIPLETS)]
    write_triplets(triplets, named, work / "triplets.jsonl")
    task = TrainingTask("triplets", "triplet", {"train": work / "triplets.jsonl"}, "check", "check")

    def loss(precision: Precision, on: str) -> float:
        start = load_specter2(model, device=on)
        torch.manual_seed(0)
        start.transformer.add_adapter("check", NAMED_CONFIGS["seq_bn"])
        options = replace(_OPTIONS, precision=precision, cpu=on == "cpu")
        return train_adapters([task], work / f"{on}-{precision}", start, options=options, log=lambda *_: None).loss

    with TemporaryDirectory(dir=work) as other:
        work, reference = Path(other), loss("float32", "cpu")
    for precision, most in _MOST_LOSS_OFF.items():
        what = f"training, {precision}"
        try:
            found = loss(precision, device)  # type: ignore[arg-type]
        except TrainingError as error:
            yield Result(what, f"refused: {error}", good=precision != "float32")
            continue
        off = abs(found - reference) / reference
        yield Result(what, f"loss {found:.4f}, {reference:.4f} on the CPU", bool(off <= most))


def _cosine(found: np.ndarray, expected: np.ndarray) -> float:
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(1) / norms).min())


def main() -> None:
    """Compare, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--papers", type=int, default=64)
    args = parser.parse_args()
    try:
        torch.empty(0, device=args.device)
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"no device {args.device!r} is here: {error}")
    papers = list(islice(read_papers(SAMPLE_PAPERS), args.papers))
    print(f"{args.model}, {len(papers)} papers, {args.device} against the CPU in float32, torch {torch.__version__}")
    failed = 0
    with TemporaryDirectory() as work:
        for part in (
            vectors(args.model, args.device, papers),
            training(args.model, args.device, papers, Path(work)),
        ):
            for result in part:
                failed += not result.good
                print(f"{'ok  ' if result.good else 'FAIL'} {result.what}: {result.measured}", flush=True)
    sys.exit(f"{failed} comparisons failed" if failed else 0)


if __name__ == "__main__":
    main()
