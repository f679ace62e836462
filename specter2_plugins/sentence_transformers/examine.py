"""What a model is loaded from, what it computes with, and what there is to mend: the facts of `specter2 doctor`."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from specter2_plugins.checkpoints.caches import cache_roots
from specter2_plugins.checkpoints.hub import Hub
from specter2_plugins.checkpoints.plan import Adapters, Plan, plan
from specter2_plugins.checkpoints.weights import weight_files
from specter2_plugins.engine.machine import Machine
from specter2_plugins.errors import MissingExtraError, Specter2Error
from specter2_plugins.sentence_transformers.load import build, pooling_of
from specter2_plugins.sentence_transformers.self_check import self_check
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.tasks import BASE

_PACKAGES = (
    "specter2-plugins", "sentence-transformers", "transformers", "torch", "numpy", "huggingface-hub", "safetensors",
    "tokenizers", "adapters", "qdrant-client", "qdrant-edge-py", "langchain-qdrant",
)  # fmt: skip
_VARIABLES = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME",
    "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "SPECTER2_MODEL", "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


@dataclass
class Examination:
    """What was found; facts that could not be had are missing from it.

    Args:
        asked: The name or folder.
        machine: As `Machine`.
        versions: Package -> version, of those that are installed.
        variables: Of the environment, that decide what is loaded from where.
        caches: The folders where downloads are looked for; they go into the first.
        base: Of the base: folder, family and what tells it, commit, weights.
        adapters: Task -> what it was asked for by, and its folder.
        missing: Task -> hub name of what could not be had.
        computes: Pooling, similarity, precision, engine and why.
        check: As `SelfCheck`.
        notes: What was said while it was loaded.
        faults: What keeps it from working, or from being right.
        advice: What to do about all that.
    """

    asked: str
    machine: dict[str, Any]
    versions: dict[str, str]
    variables: dict[str, str]
    caches: list[str]
    base: dict[str, str] = field(default_factory=dict)
    adapters: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    computes: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def examine(
    name_or_path: str | Path,
    adapters: Adapters = None,
    device: str | None = None,
    dtype: str | None = None,
    hub: Hub = Hub(),
) -> Examination:
    """Load a model as `load_specter2` does, and report on each step as far as it gets.

    Args:
        name_or_path: As for `load_specter2`, and so the rest.
        adapters: As for `load_specter2`.
        device: As for `load_specter2`.
        dtype: As for `load_specter2`.
        hub: How to reach the hub.
    """
    found = Examination(
        asked=str(name_or_path),
        machine=asdict(Machine.of(device)),
        versions={"python": platform.python_version(), **_versions()},
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
        caches=[str(root) for root in cache_roots(hub.cache_folder)],
    )
    with _noting(found.notes):
        try:
            planned = plan(name_or_path, adapters, hub)
            _tell_plan(found, planned)
            model = build(planned, device=device, dtype=dtype)
            _tell_model(found, model)
            checked = self_check(model, planned.checkpoint.family)
            found.check = asdict(checked)
            found.faults += checked.faults
        except (Specter2Error, MissingExtraError, RuntimeError, AssertionError) as error:
            found.faults.append(str(error).splitlines()[0])
    _advise(found)
    return found


def _tell_plan(found: Examination, planned: Plan) -> None:
    checkpoint = planned.checkpoint
    found.base = {"name": checkpoint.name, "folder": str(planned.base)}
    if planned.base.parent.name == "snapshots":
        found.base["commit"] = planned.base.name
    if checkpoint.family is not None:
        found.base["family"] = checkpoint.family.name
    if checkpoint.identity is not None:
        found.base["known by"] = checkpoint.identity.evidence
    within = planned.saved[0].path if planned.saved else ""
    found.base["weights"] = ", ".join(
        f"{path.name} ({path.stat().st_size / 1e6:.0f} MB)" for path in weight_files(planned.base / within)
    )
    found.adapters = {
        task: {"source": planned.sources.get(task, str(folder)), "folder": str(folder)}
        for task, folder in planned.adapters.items()
    }
    found.missing = dict(planned.missing)


def _tell_model(found: Examination, model: Specter2) -> None:
    for task in model.adapter_tasks:
        found.adapters.setdefault(task, {"source": "saved with the model", "folder": found.base["folder"]})
    with torch.inference_mode():
        reason = model.transformer.refusal(*(model.adapter_tasks or [BASE]))
    found.computes = {
        "device": str(model.device),
        "dtype": str(model.transformer.model.dtype).removeprefix("torch."),
        "dimensions": model.dimensions,
        "max tokens": model.max_seq_length,
        "pooling": pooling_of(list(model)[1:]),
        "similarity": model.similarity_fn_name,
        "engine": "packed" if reason is None else "transformers",
        "why": reason or f"it is exact for this base and its adapters; {found.machine['float32_kernel']} multiplies",
    }


def _advise(found: Examination) -> None:
    """Say what would be better, beside what the notes and faults say already."""
    offline = [name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if found.variables.get(name)]
    if found.missing or (found.faults and not found.base):
        found.advice += [f"{name} is set: nothing is downloaded until it is unset" for name in offline]
    found.advice += [f"hf download {repo}" for repo in found.missing.values()]
    if found.computes and not found.adapters:
        found.advice.append(
            "without adapters, queries and papers go through the same weights; --adapter TASK=FOLDER_OR_ID"
        )
    if found.computes.get("dtype") == "float32" and found.machine["auto_dtype"] == "bfloat16":
        found.advice.append("this device computes bfloat16 in hardware: --dtype auto is faster, and nearly as exact")
    if found.versions.get("transformers", "").startswith("4."):
        found.advice.append("transformers 4 has known vulnerabilities that are mended in 5 alone")


def _versions() -> dict[str, str]:
    known = {}
    for package in _PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            continue
    return known


@contextmanager
def _noting(notes: list[str]) -> Iterator[None]:
    """Keep what this package logs as warnings, instead of showing it."""
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("specter2_plugins")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
