"""How well a model does on examples that it is not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers.base.model import BaseModel
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from specter2_plugins.training.corpus import NONE
from specter2_plugins.training.examples import RECORD
from specter2_plugins.training.finite import check_loss
from specter2_plugins.training.losses import CorpusLoss, HeadLoss

LOSS = "loss"
_PAIR = 2


class Validation(SentenceEvaluator):
    """The loss and a telling number for each task, and the sum of the losses, which decides which model is best.

    Numbers are accuracy and macro F1 of classes, micro and macro F1 of several labels, Kendall's tau of values, the
    share of triplets whose positive is nearer than the negative, or of pairs that are nearest in their batch, and the
    mean reciprocal rank of a query's first answer among all papers.

    Args:
        datasets: Examples by task.
        losses: The loss of each task.
        batch_size: Examples of one forward pass.
    """

    def __init__(self, datasets: Mapping[str, Dataset], losses: Mapping[str, nn.Module], batch_size: int) -> None:
        super().__init__()
        self.greater_is_better = False
        self.primary_metric = LOSS
        self._datasets = datasets
        self._losses = losses
        self._batch_size = batch_size
        self._trainer: SentenceTransformerTrainer | None = None

    def attach(self, trainer: SentenceTransformerTrainer) -> None:
        """Take examples to the model as a trainer does."""
        self._trainer = trainer

    @torch.inference_mode()
    def __call__(
        self, model: BaseModel, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Measure the weights as they are now; the arguments are Sentence Transformers'."""
        modules = [model, *self._losses.values()]
        training = [module.training for module in modules]
        for module in modules:
            module.eval()
        try:
            measured = {task: self._measure(task, model) for task in self._datasets}
        finally:
            for module, before in zip(modules, training, strict=True):
                module.train(before)
        metrics = {f"{task}_{name}": value for task, found in measured.items() for name, value in found.items()}
        metrics[LOSS] = sum(found[LOSS] for found in measured.values())
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)
        return metrics

    def _measure(self, task: str, model: BaseModel) -> dict[str, float]:
        assert self._trainer is not None
        trainer, loss = self._trainer, cast(Any, self._losses[task])
        dataset = self._datasets[task]

        def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
            return trainer.data_collator([{**row, "dataset_name": task} for row in rows])

        collected: dict[str, list[Tensor]] = defaultdict(list)
        total = 0.0
        for batch in DataLoader(dataset, self._batch_size, collate_fn=collate):
            batch.pop("dataset_name")
            records = batch.pop(RECORD).tolist()
            features, labels = trainer.collect_features(trainer._prepare_inputs(batch))
            embeddings = [model(column)["sentence_embedding"] for column in features]
            value = loss.compute_loss_from_embeddings(embeddings, labels)
            check_loss(value, trainer.state.global_step, task, records, "validation")
            total += value.item() * len(embeddings[0])
            if isinstance(loss, HeadLoss):
                assert labels is not None
                collected["outputs"].append(loss.head(embeddings[0]).float().cpu())
                collected["labels"].append(labels.cpu())
            elif isinstance(loss, CorpusLoss):
                assert labels is not None
                collected["mrr"].append(_reciprocal_ranks(loss.scores(embeddings[0]), labels).cpu())
            else:
                nearer = (
                    _nearest(loss.similarity_fct, *embeddings) if len(embeddings) == _PAIR else _nearer(*embeddings)
                )
                collected["accuracy"].append(nearer.cpu())
        found = {name: torch.cat(parts).numpy() for name, parts in collected.items()}
        if isinstance(loss, HeadLoss):
            return {LOSS: total / len(dataset), **_of_head(loss, **found)}
        return {LOSS: total / len(dataset), **{name: float(values.mean()) for name, values in found.items()}}


def _nearest(similarity: Callable[[Tensor, Tensor], Tensor], anchor: Tensor, positive: Tensor) -> Tensor:
    scores = similarity(anchor.float(), positive.float())
    return (scores <= scores.diagonal()[:, None]).all(1).float()


def _nearer(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    near = functional.pairwise_distance(anchor, positive) < functional.pairwise_distance(anchor, negative)
    return near.float()


def _reciprocal_ranks(scores: Tensor, labels: Tensor) -> Tensor:
    answers = scores.gather(-1, labels.clamp(min=0)).masked_fill(labels == NONE, -torch.inf)
    better = (scores > answers.max(-1, keepdim=True).values).sum(-1)
    return 1 / (1 + better.float())


def _of_head(loss: HeadLoss, outputs: Any, labels: Any) -> dict[str, float]:
    if not loss.head.labels:
        from scipy.stats import kendalltau

        return {"kendall_tau": float(np.nan_to_num(kendalltau(labels, outputs).statistic))}
    macro = {"average": "macro", "zero_division": 0}
    if loss.head.multi_label:
        chosen = outputs > 0
        return {
            "f1_micro": float(f1_score(labels, chosen, average="micro", zero_division=0)),
            "f1_macro": float(f1_score(labels, chosen, **macro)),
        }
    chosen = outputs.argmax(1)
    return {
        "accuracy": float(accuracy_score(labels, chosen)),
        "f1_macro": float(f1_score(labels, chosen, **macro)),
    }
