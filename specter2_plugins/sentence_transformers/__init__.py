"""Modules for Sentence Transformers."""

from specter2_plugins.sentence_transformers.adapter_transformer import AdapterTransformer

__all__ = ["AdapterTransformer"]
