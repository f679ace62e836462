"""What each kind of task minimises.

Source: SciRepEval's training/tasks.py: cross entropy, binary cross entropy where papers have several labels, mean
squared error, and a triplet loss on Euclidean distance with margin 1. Two softmax losses are alternatives to that:
among the papers of a batch, and among all papers of the task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from sentence_transformers import SimilarityFunction
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss, TripletLoss
from torch import Tensor, nn
from torch.nn import functional

from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.training.corpus import NONE
from specter2_plugins.training.heads import Head, normalises
from specter2_plugins.training.tasks import TrainingTask

# Of the softmax, for cosines and for distances of normalised embeddings, which lie within 2.
_BOUNDED_SCALE = 20.0

HEAD_PARAMETERS = r"^[^.]+\.head\."
"""Matches the names of heads' parameters in the losses by task."""


class LabelLoss(nn.Module, ABC):
    """A loss of embeddings and what is known of them."""

    def __init__(self, model: Specter2) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        return self.compute_loss_from_embeddings(
            [self.model(column)["sentence_embedding"] for column in features], labels
        )

    @abstractmethod
    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Compute what `forward` does, of embeddings; named as in Sentence Transformers' own losses."""


class HeadLoss(LabelLoss):
    """The loss of a head's outputs."""

    def __init__(self, model: Specter2, head: Head) -> None:
        super().__init__(model)
        self.head = head

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Compute what `forward` does, of [papers, dimensions]."""
        outputs = self.head(embeddings[0])
        if self.head.labels and not self.head.multi_label:
            return functional.cross_entropy(outputs, labels)
        measure = functional.binary_cross_entropy_with_logits if self.head.labels else functional.mse_loss
        return measure(outputs, labels.to(outputs.dtype))

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the model card says about it."""
        kind = "mean squared error"
        if self.head.labels:
            kind = "binary cross entropy" if self.head.multi_label else "cross entropy"
        return {"loss": kind, "adapter": self.head.adapter, "labels": len(self.head.labels)}


class CorpusLoss(LabelLoss):
    """Cross entropy of queries' answers among all papers, whose embeddings stay as they are.

    Args:
        model: What embeds the queries.
        papers: [papers, dimensions].
        similarity: [queries, dimensions], [papers, dimensions] -> [queries, papers].
        scale: What similarities are multiplied by.
    """

    papers: Tensor

    def __init__(
        self, model: Specter2, papers: Tensor, similarity: Callable[[Tensor, Tensor], Tensor], scale: float
    ) -> None:
        super().__init__(model)
        self.scale = scale
        self._similarity = similarity
        self.register_buffer("papers", papers, persistent=False)

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """Compute what `forward` does, of [queries, dimensions] and the numbers of answers, [queries, most answers]."""
        answers = labels != NONE
        chances = self.scores(embeddings[0]).log_softmax(-1).gather(-1, labels.clamp(min=0))
        return -((chances * answers).sum(-1) / answers.sum(-1)).mean()

    def scores(self, queries: Tensor) -> Tensor:
        """Return [queries, dimensions] -> [queries, papers]."""
        with torch.autocast(self.papers.device.type, enabled=False):
            return self.scale * self._similarity(queries.to(self.papers), self.papers)

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the model card says about it."""
        return {"loss": "cross entropy among all papers", "papers": len(self.papers), "scale": self.scale}


def make_loss(task: TrainingTask, model: Specter2, margin: float, papers: Tensor | None) -> nn.Module:
    """Return the loss of a task.

    Args:
        task: The task. A classification's classes must be known.
        model: What is trained.
        margin: By how much a negative must be farther away than the positive, in the units of the embeddings.
        papers: All papers of a task whose queries are learned among them, [papers, dimensions].
    """
    if task.labelled:
        return HeadLoss(model, Head.of(task, model))
    if task.loss == "triplet":
        # Its small epsilon keeps the gradient finite where anchor and positive are the same text.
        return TripletLoss(model, distance_metric=functional.pairwise_distance, triplet_margin=margin)
    similarity = SimilarityFunction.to_similarity_fn(model.similarity_fn_name)
    bounded = model.similarity_fn_name == "cosine" or normalises(model)
    scale = task.scale or (_BOUNDED_SCALE if bounded else 1.0)
    if papers is not None:
        return CorpusLoss(model, papers, similarity, scale)
    return MultipleNegativesRankingLoss(model, scale=scale, similarity_fct=similarity)
