"""The module of version 0.1, by its name then, so that plain `SentenceTransformer` opens what it saved."""

from specter2_plugins.sentence_transformers.adapter_transformer import AdapterTransformer

__all__ = ["AdapterTransformer"]
