"""Modules for Sentence Transformers."""

from specter2_plugins.modules.adapter_transformer import AdapterTransformer

__all__ = ["AdapterTransformer"]
