"""Papers -> files that other programs read."""

from specter2_plugins.writers.write import to_bibtex

__all__ = ["to_bibtex"]
