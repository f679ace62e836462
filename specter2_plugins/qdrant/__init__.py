"""Paper collections in Qdrant: ingestion and search.

Example:
    >>> from specter2_plugins.qdrant import PaperCollection
    >>> with PaperCollection.open("papers.qdrant", model="mini") as papers:
    ...     papers.ingest("library.bib", sparse="bm25").ingested
    ...     papers.search("neural ranking models", filter="year >= 2018", hybrid=True)[0].paper.metadata["year"]
    8
    2019
"""

from specter2_plugins.extras import require

require("qdrant_client", "qdrant-client", "qdrant")

from specter2_plugins.pipeline import IngestReport, ingest_papers  # noqa: E402
from specter2_plugins.qdrant.collection import PaperCollection  # noqa: E402
from specter2_plugins.qdrant.filters import parse_filter  # noqa: E402
from specter2_plugins.qdrant.hits import Hit  # noqa: E402
from specter2_plugins.qdrant.search import search_papers  # noqa: E402
from specter2_plugins.qdrant.similar import similar_papers  # noqa: E402
from specter2_plugins.store.client import open_client  # noqa: E402
from specter2_plugins.store.faults import Retries  # noqa: E402
from specter2_plugins.store.spec import CollectionSpec  # noqa: E402

__all__ = [
    "CollectionSpec",
    "Hit",
    "IngestReport",
    "PaperCollection",
    "Retries",
    "ingest_papers",
    "open_client",
    "parse_filter",
    "search_papers",
    "similar_papers",
]
