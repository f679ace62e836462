"""All that a run learns from and is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset
from torch import Tensor

from specter2_plugins.errors import TaskError, TrainingError
from specter2_plugins.sentence_transformers.specter2 import Specter2
from specter2_plugins.training.corpus import number_papers
from specter2_plugins.training.examples import load_examples
from specter2_plugins.training.tasks import Split, TrainingTask

_SPLITS: tuple[Split, ...] = ("train", "dev")


@dataclass(frozen=True)
class Material:
    """Examples by task, and the papers that queries are learned among.

    Args:
        train: To train on.
        dev: To validate with.
        papers: Embeddings, [papers, dimensions], of tasks that search a corpus.
    """

    train: Mapping[str, Dataset]
    dev: Mapping[str, Dataset]
    papers: Mapping[str, Tensor]

    @classmethod
    def load(cls, tasks: Sequence[TrainingTask], model: Specter2, seed: int, folder: Path) -> Material:
        """Read the tasks' examples into tables in a folder, and embed their corpora."""
        train, dev, papers = {}, {}, {}
        for task in tasks:
            found = {
                split: dataset
                for split in _SPLITS
                if (dataset := load_examples(task, split, model.transformer.sep_token, seed, folder)) is not None
            }
            if task.searches_corpus and found:
                corpus, found = number_papers(task.name, found)
                papers[task.name] = _embed(corpus, task, model)
            if "train" in found:
                train[task.name] = found["train"]
            if "dev" in found:
                dev[task.name] = found["dev"]
        return cls(train, dev, papers)


def _embed(papers: Sequence[str], task: TrainingTask, model: Specter2) -> Tensor:
    try:
        # `encode` returns an inference tensor, which gradients cannot pass.
        return model.encode(papers, task=task.adapter, convert_to_tensor=True).clone()
    except TaskError as error:
        raise TrainingError(f"task {task.name!r} embeds its papers once: {error}") from None
