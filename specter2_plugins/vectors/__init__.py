"""Vectors as files: the parts that an embedding run writes, and a folder of them in a model's place.

Example:
    >>> from specter2_plugins import PaperCollection, load_specter2, read_papers
    >>> from specter2_plugins.pipeline import embed_papers
    >>> from specter2_plugins.vectors import StoredEmbeddings
    >>> report = embed_papers(read_papers("papers.jsonl"), "embeddings", load_specter2("mini"))
    >>> with PaperCollection.open("papers.qdrant") as papers:               # later, where the store is: no model
    ...     papers.ingest(StoredEmbeddings("embeddings")).ingested
    8
"""

from specter2_plugins.vectors.stored import EmbeddedPaper, StoredEmbeddings

__all__ = ["EmbeddedPaper", "StoredEmbeddings"]
