"""The model as MTEB's encoder.

MTEB runs a `SentenceTransformer` as it is, and then titles and texts of documents arrive joined by a space, and
empty ones end the run. This keeps them apart, as SPECTER2 was trained, and embeds empty ones as `text_of` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specter2_plugins.extras import require
from specter2_plugins.scirepeval import Document, text_of

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformer import Specter2

_ADAPTERS = {"Classification": "classification", "MultilabelClassification": "classification"}
"""MTEB's types of tasks whose texts are features of a classifier."""


def mteb_encoder(model: Specter2) -> Any:
    """Wrap a model for `mteb.evaluate`: queries, documents and texts to classify go through their adapters.

    Returns:
        An `mteb` encoder.

    Raises:
        MissingExtraError: If mteb is not installed.
    """
    wrapper = require("mteb.models", "mteb", "mteb").SentenceTransformerEncoderWrapper

    class Specter2Encoder(wrapper):  # type: ignore[misc, valid-type]
        def encode(self, inputs: Any, *, task_metadata: Any, prompt_type: Any = None, **kwargs: Any) -> Any:
            task = prompt_type.value if prompt_type is not None else _ADAPTERS.get(task_metadata.type)
            texts = [text_of(parts, model.transformer.sep_token) for batch in inputs for parts in _documents(batch)]
            return model.encode(texts, task=task, show_progress_bar=bool(kwargs.get("show_progress_bar")))

    return Specter2Encoder(model)


def _documents(batch: dict[str, Any]) -> list[Document]:
    """Title and body where a batch of documents has both, and else the text."""
    if "title" in batch and "body" in batch:
        return list(zip(batch["title"], batch["body"], strict=True))
    return [(text,) for text in batch["text"]]
