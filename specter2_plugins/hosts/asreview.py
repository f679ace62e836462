"""ASReview's feature extractor: `asreview simulate papers.csv --classifier svm --feature-extractor specter2`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from specter2_plugins.checkpoints.families import DEFAULT_CHECKPOINT
from specter2_plugins.sentence_transformers.load import load_specter2


class Specter2(TransformerMixin, BaseEstimator):
    """Turn records into vectors of their titles and abstracts, by the adapter proximity.

    The numbers of a vector may be negative, so the classifier is "svm", "logistic" or "rf", not "nb".

    Args:
        model: What `load_specter2` takes.
        task: Whose adapter: "proximity", "classification", ...
        device: As `load_specter2`.
    """

    name = "specter2"
    label = "SPECTER2"

    def __init__(self, model: str = DEFAULT_CHECKPOINT, task: str = "proximity", device: str | None = None) -> None:
        self.model = model
        self.task = task
        self.device = device

    def fit(self, records: Any, y: object = None) -> Specter2:
        """Learn nothing: the model is trained."""
        return self

    def transform(self, records: Any) -> np.ndarray:
        """Return the vectors of a table with the columns `title` and `abstract`: [records, dimensions], float32."""
        columns = [records[name].fillna("") for name in ("title", "abstract")]
        papers = [{"title": title, "abstract": abstract} for title, abstract in zip(*columns, strict=True)]
        return np.asarray(load_specter2(self.model, device=self.device).encode(papers, task=self.task))
