"""A paper, the text that a tokenizer sees of it, and the payload that a store keeps of it."""

from specter2_plugins.papers.inputs import PaperLike, input_text
from specter2_plugins.papers.paper import Origin, Paper

__all__ = ["Origin", "Paper", "PaperLike", "input_text"]
