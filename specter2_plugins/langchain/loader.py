"""Files of papers -> LangChain documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from specter2_plugins.langchain.documents import to_document
from specter2_plugins.readers import Rejected, read_papers
from specter2_plugins.readers.inputs import Sources


class PaperLoader(BaseLoader):
    """Loads papers from any file that `specter2_plugins.readers` reads, one at a time with `lazy_load`.

    Example:
        >>> PaperLoader("library.bib").load()[0].metadata["title"]
        'Training neural ranking models with few judgements'

    Args:
        sources: A file, a pattern such as `dump/*.jsonl.gz`, or several of them.
        format: As for `read_papers`; by default found by content.
        fields: As for `read_papers`: which key of a JSON, CSV or Parquet file is our "title", "abstract", ...
        on_reject: Called with each record that is no paper. Without it the first one raises.
    """

    def __init__(
        self,
        sources: Sources,
        format: str | None = None,
        fields: Mapping[str, str] | None = None,
        on_reject: Callable[[Rejected], None] | None = None,
    ) -> None:
        self.sources = sources
        self.format = format
        self.fields = fields
        self.on_reject = on_reject

    def lazy_load(self) -> Iterator[Document]:
        """Read the documents as they are asked for.

        Raises:
            PaperError: As `read_papers`.
        """
        return map(to_document, read_papers(self.sources, self.format, self.fields, self.on_reject))
