"""The linear layers that learn labels on top of embeddings, and their files beside the model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Normalize
from torch import Tensor, nn

from specter2_plugins.errors import TrainingError, one_line
from specter2_plugins.printable import from_json
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.training.tasks import TrainingTask

WEIGHTS_FILE = "heads.safetensors"
CONFIG_FILE = "heads.json"

_DROPOUT = 0.2
_STD = 0.02


class Head(nn.Module):
    """Dropout and one linear layer. Source: SciRepEval's `TaskHead`.

    SPECTER2's embeddings have numbers of about 1. Those of a model that normalises them are smaller by the root of
    their number, and are scaled up by it: a head that starts with small outputs and learns slowly makes an adapter
    give up all else that its embeddings tell.

    Args:
        dimensions: Length of an embedding.
        adapter: The adapter whose embeddings it reads.
        labels: Its classes; none for a regression.
        multi_label: Whether any number of them may apply.
        scale: What embeddings are multiplied by.
    """

    def __init__(
        self,
        dimensions: int,
        adapter: str,
        labels: tuple[str, ...] = (),
        multi_label: bool = False,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.adapter = adapter
        self.labels = labels
        self.multi_label = multi_label
        self.dropout = nn.Dropout(_DROPOUT)
        self.linear = nn.Linear(dimensions, len(labels) or 1)
        nn.init.normal_(self.linear.weight, std=_STD)
        nn.init.zeros_(self.linear.bias)

    @classmethod
    def of(cls, task: TrainingTask, model: Specter2) -> Head:
        """Return a fresh head for a task."""
        scale = math.sqrt(model.dimensions) if normalises(model) else 1.0
        return cls(model.dimensions, task.adapter, task.labels or (), task.multi_label, scale)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return [papers, dimensions] -> a score for each class, [papers, classes], or values, [papers]."""
        outputs = self.linear(self.dropout(self.scale * embeddings))
        return outputs if self.labels else outputs.squeeze(-1)

    @torch.inference_mode()
    def predict(self, embeddings: Tensor) -> list[Any]:
        """Return a class, a list of classes or a number for each embedding.

        Args:
            embeddings: [papers, dimensions], encoded with `task=head.adapter`.
        """
        outputs = self(embeddings.to(self.linear.weight))
        if not self.labels:
            return outputs.tolist()
        if not self.multi_label:
            return [self.labels[best] for best in outputs.argmax(-1).tolist()]
        return [[label for label, score in zip(self.labels, row, strict=True) if score > 0] for row in outputs.tolist()]


def normalises(model: Specter2) -> bool:
    """Return whether a model's embeddings have length 1."""
    return any(isinstance(module, Normalize) for module in model)


def save_heads(heads: Mapping[str, Head], folder: str | Path) -> None:
    """Write heads by task into a model's folder; nothing where there are none."""
    if not heads:
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        f"{task}.{name}": tensor.detach().cpu().contiguous()
        for task, head in heads.items()
        for name, tensor in head.linear.state_dict().items()
    }
    save_file(state, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    described = {
        task: {"adapter": head.adapter, "labels": head.labels, "multi_label": head.multi_label, "scale": head.scale}
        for task, head in heads.items()
    }
    (folder / CONFIG_FILE).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_heads(folder: str | Path) -> dict[str, Head]:
    """Read the heads that training left beside a model.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> from specter2_plugins.training import train_adapters
        >>> folder = train_adapters("tasks_config.json", "my-specter2", "my-bert").folder  # prints the log
        {'eval_fos_loss': ...
        >>> head = load_heads(folder)["fos"]
        >>> vector = load_specter2(folder).encode("Soil", task=head.adapter, convert_to_tensor=True)
        >>> head.predict(vector[None])
        [[...]]

    Raises:
        TrainingError: If the folder holds none, or they are damaged.
    """
    folder = Path(folder)
    heads = {}
    try:
        described = from_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS_FILE)
        for task, settings in described.items():
            weight = state[f"{task}.weight"]
            head = Head(weight.shape[1], **{**settings, "labels": tuple(settings["labels"])})
            head.linear.load_state_dict({"weight": weight, "bias": state[f"{task}.bias"]})
            heads[task] = head.eval()
    except Exception as error:  # a damaged file can raise anything
        raise TrainingError(f"{folder} holds no heads that can be read: {one_line(error)}") from None
    return heads
