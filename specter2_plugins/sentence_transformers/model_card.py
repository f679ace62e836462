"""The card of a model that chooses adapters: how to use it, in code that runs."""

from __future__ import annotations

from typing import Any, cast

from sentence_transformers.sentence_transformer.model_card import SentenceTransformerModelCardData

from specter2_plugins.errors import TaskError
from specter2_plugins.tasks import BASE

MODEL_PLACEHOLDER = "folder or repository of this model"
"""What stands for a model's name until it has one."""

_PAPERS = '[{"title": "Message passing for quantum chemistry", "abstract": None}]'
_CALLS = {
    "adhoc_query": 'queries = model.encode_query(["graph neural networks for molecules"])',
    "proximity": f"papers = model.encode_document({_PAPERS})",
}


class Specter2CardData(SentenceTransformerModelCardData):
    """Sentence Transformers' card data, for `Specter2`."""

    def run_usage_snippet(self) -> None:
        """Leave the card without an example's output: not every model has an adapter for plain texts."""

    def generate_usage_snippet(self) -> str:
        """Return a call for each adapter."""
        model = cast(Any, self.model)
        tasks: list[str] = model.transformer.adapter_tasks if model is not None else []
        lines = [
            "from specter2_plugins import load_specter2  # pip install specter2-plugins",
            "",
            f'model = load_specter2("{self.model_id or MODEL_PLACEHOLDER}")',
            *(_CALLS.get(task, f'features = model.encode({_PAPERS}, task="{task}")') for task in tasks or [BASE]),
        ]
        return "\n".join(["```python", *lines, "```"])

    def _compute_column_stats(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return super()._compute_column_stats(*args, **kwargs)
        except TaskError:  # version 5 counts tokens as those of a document, which not every model encodes
            return {"dtype": "string", "modality": "text", "data": {}}
