"""Small excerpts of SciRepEval's training samples, and runs on them that take seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

pytest.importorskip("datasets")
pytest.importorskip("accelerate")

from specter2_plugins.training import TrainingOptions

DATA = Path(__file__).parent / "data"


def files(name: str) -> dict[str, str]:
    """A file to learn and to be measured on, so that what is learned shows."""
    return {"train": str(DATA / name), "dev": str(DATA / name)}


FOS = {
    "name": "fos",
    "type": "classification",
    "multi_label": True,
    "data_files": files("fos.jsonl"),
    "labels_field": "labels_text",
    "ctrl_token": "[CLF]",
}
MESH = {
    "name": "mesh",
    "type": "classification",
    "data_files": files("mesh.jsonl"),
    "labels_field": "descriptor",
    "ctrl_token": "[CLF]",
}
CITATIONS = {
    "name": "cite_count",
    "type": "regression",
    "data_files": files("fos.jsonl"),
    "labels_field": "log_citations",
    "ctrl_token": "[RGN]",
}
SEARCH = {
    "name": "search",
    "type": "ir",
    "data_files": files("searches.jsonl"),
    "input_fields": ["title", "abstract", "venue", "year"],
    "ctrl_token": {"query": "[QRY]", "candidates": "[PRX]"},
}
TRIPLETS = {"name": "specter", "type": "triplet", "data_files": files("triplets.jsonl"), "ctrl_token": "[PRX]"}
ALL = [FOS, MESH, CITATIONS, SEARCH, TRIPLETS]

QUICK = TrainingOptions(
    batch_size=8,
    device_batch_size=4,
    learning_rate=1e-2,
    epochs=2,
    warmup=1,
    max_tokens=40,
    precision="float32",
    log_every=1,
    cpu=True,
)

WORD = re.compile(r"\w+|[^\w\s]")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 32 dimensions, 2 layers and 128 positions that knows the words of the samples."""
    folder = tmp_path_factory.mktemp("tiny")
    words = {word for file in DATA.glob("*.jsonl") for word in WORD.findall(file.read_text(encoding="utf-8").lower())}
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **sizes)
    BertModel(config).save_pretrained(folder)
    return folder


WriteConfig = Callable[..., Path]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """Write a tasks_config of these tasks."""

    def write(*tasks: dict[str, Any], name: str = "tasks.json") -> Path:
        path = tmp_path / name
        lines = name.endswith(".jsonl")
        path.write_text("".join(json.dumps(task) + "\n" for task in tasks) if lines else json.dumps(tasks))
        return path

    return write
