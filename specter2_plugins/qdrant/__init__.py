"""Paper collections in Qdrant: ingestion and search.

Example:
    >>> from specter2_plugins import load_specter2
    >>> from specter2_plugins.qdrant import ingest_papers, open_client, search_papers
    >>> from specter2_plugins.readers import read_papers
    >>> model = load_specter2("mini")
    >>> with open_client(store="papers.qdrant") as client:
    ...     ingest_papers(read_papers("library.bib"), client, model)
    ...     hits = search_papers(client, model, "neural ranking models")
"""

from specter2_plugins.extras import require

require("qdrant_client", "qdrant-client", "qdrant")

from specter2_plugins.qdrant.client import open_client  # noqa: E402
from specter2_plugins.qdrant.faults import Retries  # noqa: E402
from specter2_plugins.qdrant.filters import parse_filter  # noqa: E402
from specter2_plugins.qdrant.hits import Hit  # noqa: E402
from specter2_plugins.qdrant.ingestion import IngestReport, ingest_papers  # noqa: E402
from specter2_plugins.qdrant.search import search_papers  # noqa: E402
from specter2_plugins.qdrant.similar import similar_papers  # noqa: E402
from specter2_plugins.qdrant.spec import CollectionSpec  # noqa: E402

__all__ = [
    "CollectionSpec",
    "Hit",
    "IngestReport",
    "Retries",
    "ingest_papers",
    "open_client",
    "parse_filter",
    "search_papers",
    "similar_papers",
]
