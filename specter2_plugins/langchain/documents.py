"""Papers <-> LangChain documents."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.documents import Document

from specter2_plugins.papers import Paper
from specter2_plugins.papers.payloads import CONTENT_KEY, METADATA_KEY, from_document, to_payload
from specter2_plugins.papers.points import point_id


def papers_to_documents(papers: Iterable[Paper]) -> list[Document]:
    r"""Turn papers into documents.

    Example:
        >>> (document,) = papers_to_documents([Paper("A title", "An abstract", id="key2020", metadata={"year": 2020})])
        >>> document.page_content, document.metadata
        ('A title\n\nAn abstract', {'year': 2020, 'id': 'key2020', 'title': 'A title'})

    Args:
        papers: The papers.

    Returns:
        One document a paper. Its `id` is that of the point which `specter2 ingest` makes of the paper: a UUID, as
        Qdrant asks for, and the same every time, so that adding a paper again replaces it. The paper's own id is
        `metadata["id"]`.
    """
    return [to_document(paper) for paper in papers]


def documents_to_papers(documents: Iterable[Document]) -> list[Paper]:
    """Turn documents back into papers: those of `papers_to_documents`, `PaperLoader` or a vector store.

    Example:
        >>> documents = papers_to_documents([Paper("Soil water", "Moisture between two emitters.", id="soil")])
        >>> documents_to_papers(documents)
        [Paper(title='Soil water', abstract='Moisture between two emitters.', id='soil', metadata={})]

    Raises:
        PaperError: If a document holds no text.
    """
    return [from_document(document) for document in documents]


def to_document(paper: Paper) -> Document:
    """Return the document of one paper."""
    payload = to_payload(paper)
    return Document(id=str(point_id(paper)), page_content=payload[CONTENT_KEY], metadata=payload[METADATA_KEY])
