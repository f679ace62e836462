"""Where a model's files come from: families and names, old and new -> folders (hub, caches, local) -> files."""

from specter2_plugins.checkpoints.families import Family

__all__ = ["Family"]
