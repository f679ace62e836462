r"""SPECTER2 for LangChain.

Example:
    >>> from specter2_plugins.langchain import Specter2Embeddings
    >>> embeddings = Specter2Embeddings(model="mini")
    >>> len(embeddings.embed_query("graph neural networks for molecules"))      # through the adapter adhoc_query
    384
"""

from specter2_plugins.extras import require

require("langchain_core", "langchain-core", "langchain")
require("langchain_qdrant", "langchain-qdrant", "langchain")

from specter2_plugins.langchain.documents import documents_to_papers, papers_to_documents  # noqa: E402
from specter2_plugins.langchain.embeddings import Specter2Embeddings  # noqa: E402
from specter2_plugins.langchain.loader import PaperLoader  # noqa: E402
from specter2_plugins.langchain.opening import open_vector_store  # noqa: E402
from specter2_plugins.langchain.similar import SimilarPapersRetriever  # noqa: E402
from specter2_plugins.langchain.sparse_embeddings import Specter2SparseEmbeddings  # noqa: E402
from specter2_plugins.langchain.vector_store import PaperVectorStore  # noqa: E402

__all__ = [
    "PaperLoader",
    "PaperVectorStore",
    "SimilarPapersRetriever",
    "Specter2Embeddings",
    "Specter2SparseEmbeddings",
    "documents_to_papers",
    "open_vector_store",
    "papers_to_documents",
]
