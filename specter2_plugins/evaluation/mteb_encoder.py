"""The model as MTEB's encoder.

MTEB runs a `SentenceTransformer` as it is, and then titles and texts of documents arrive joined by a space. This
keeps them apart, as SPECTER2 was trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specter2_plugins.evaluation.encoder import digest, identity
from specter2_plugins.extras import require
from specter2_plugins.scirepeval import Document, text_of
from specter2_plugins.tasks import BASE

if TYPE_CHECKING:
    from specter2_plugins.sentence_transformers.specter2 import Specter2

_ADAPTERS = {
    "Classification": "classification",
    "MultilabelClassification": "classification",
    "Regression": "regression",
}
"""MTEB's types of tasks whose texts are features of a linear model."""


def mteb_encoder(model: Specter2) -> Any:
    """Wrap a model for `mteb.evaluate`.

    Queries go through the adapter adhoc_query, documents and pairs of texts through proximity, texts to classify or to
    predict a number of through classification or regression, if the model has that adapter, and else proximity.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> encoder = mteb_encoder(load_specter2("mini"))
        >>> scores = mteb.evaluate(encoder, mteb.get_tasks(tasks=["SciFact"]))  # doctest: +SKIP

    Returns:
        An `mteb` encoder. Its name is the base's, and its revision a fingerprint, so that MTEB's cache of results never
        takes one model for another.

    Raises:
        MissingExtraError: If mteb is not installed.
    """
    wrapper = require("mteb.models", "mteb", "mteb").SentenceTransformerEncoderWrapper

    class Specter2Encoder(wrapper):  # type: ignore[misc, valid-type]
        def encode(
            self,
            inputs: Any,
            *,
            task_metadata: Any,
            hf_split: str,
            hf_subset: str,
            prompt_type: Any = None,
            **kwargs: Any,
        ) -> Any:
            task = _ADAPTERS.get(task_metadata.type) if prompt_type is None else prompt_type.value
            if task in _ADAPTERS.values() and task not in model.transformer.adapter_tasks:
                task = None
            texts = [text_of(parts, model.transformer.sep_token) for batch in inputs for parts in _documents(batch)]
            return model.encode(texts, task=task, **kwargs)

    encoder = Specter2Encoder(model)
    encoder.mteb_model_meta = encoder.mteb_model_meta.model_copy(update=_identity(model))
    return encoder


def _identity(model: Specter2) -> dict[str, str]:

    prints = [model.fingerprint(adapter) for adapter in (*sorted(model.transformer.adapter_tasks), BASE)]
    base = prints[0].base
    return {
        "name": base if "/" in base else f"specter2-plugins/{base}",
        "revision": digest([identity(one, model.dimensions) for one in prints]),
    }


def _documents(batch: dict[str, Any]) -> list[Document]:
    """Return title and body where a batch of documents has both, and else the text."""
    if "title" in batch and "body" in batch:
        return list(zip(batch["title"], batch["body"], strict=True))
    return [(text,) for text in batch["text"]]
