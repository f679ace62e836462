"""SPECTER2 for LangChain.

Example:
    >>> from specter2_plugins.langchain import Specter2Embeddings
    >>> embeddings = Specter2Embeddings(model="mini")
    >>> vector = embeddings.embed_query("graph neural networks for molecules")
"""

from specter2_plugins.extras import require

require("langchain_core", "langchain-core", "langchain")

from specter2_plugins.langchain.embeddings import Specter2Embeddings  # noqa: E402

__all__ = ["Specter2Embeddings"]
