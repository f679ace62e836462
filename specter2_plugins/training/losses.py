"""What each kind of task minimises.

Source: SciRepEval's training/tasks.py: cross entropy, binary cross entropy where papers have several labels, mean
squared error, and a triplet loss on Euclidean distance with margin 1. Two softmax losses are alternatives to that:
among the papers of a batch, and among all papers of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sentence_transformers import SimilarityFunction
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss, TripletLoss
from torch import Tensor, nn
from torch.nn import functional

from specter2_plugins.sentence_transformer import Specter2
from specter2_plugins.training.corpus import NONE
from specter2_plugins.training.heads import Head
from specter2_plugins.training.tasks import TrainingTask

# The softmax's temperature: cosines lie within 1, distances do not.
_SCALES = {"cosine": 20.0}

HEAD_PARAMETERS = r"^[^.]+\.head\."
"""Matches the names of heads' parameters in the losses by task."""


class HeadLoss(nn.Module):
    """The loss of a head's outputs."""

    def __init__(self, model: Specter2, head: Head) -> None:
        super().__init__()
        self.model = model
        self.head = head

    def forward(self, features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        return self.compute_loss_from_embeddings(
            [self.model(column)["sentence_embedding"] for column in features], labels
        )

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """As `forward`, of [papers, dimensions]; named as in Sentence Transformers' own losses."""
        outputs = self.head(embeddings[0])
        if self.head.labels and not self.head.multi_label:
            return functional.cross_entropy(outputs, labels)
        measure = functional.binary_cross_entropy_with_logits if self.head.labels else functional.mse_loss
        return measure(outputs, labels.to(outputs.dtype))

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card says about it."""
        kind = "mean squared error"
        if self.head.labels:
            kind = "binary cross entropy" if self.head.multi_label else "cross entropy"
        return {"loss": kind, "adapter": self.head.adapter, "labels": len(self.head.labels)}


class CorpusLoss(nn.Module):
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
        super().__init__()
        self.model = model
        self.scale = scale
        self._similarity = similarity
        self.register_buffer("papers", papers, persistent=False)

    def forward(self, features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        return self.compute_loss_from_embeddings(
            [self.model(column)["sentence_embedding"] for column in features], labels
        )

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor) -> Tensor:
        """As `forward`, of [queries, dimensions] and the numbers of their answers, [queries, most answers]."""
        answers = labels != NONE
        chances = self.scores(embeddings[0]).log_softmax(-1).gather(-1, labels.clamp(min=0))
        return -((chances * answers).sum(-1) / answers.sum(-1)).mean()

    def scores(self, queries: Tensor) -> Tensor:
        """[queries, dimensions] -> [queries, papers]."""
        return self.scale * self._similarity(queries.to(self.papers), self.papers)

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card says about it."""
        return {"loss": "cross entropy among all papers", "papers": len(self.papers), "scale": self.scale}


def make_loss(task: TrainingTask, model: Specter2, margin: float, papers: Tensor | None) -> nn.Module:
    """The loss of a task.

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
    scale = task.scale or _SCALES.get(model.similarity_fn_name, 1.0)
    if papers is not None:
        return CorpusLoss(model, papers, similarity, scale)
    return MultipleNegativesRankingLoss(model, scale=scale, similarity_fct=similarity)
