"""Papers -> points: read, leave out what is there already, embed, write, all at the same time."""

from specter2_plugins.qdrant.ingestion.ingest import ingest_papers
from specter2_plugins.qdrant.ingestion.report import IngestReport

__all__ = ["IngestReport", "ingest_papers"]
