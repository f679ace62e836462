"""What training and evaluation read alike: rows of local files or of the hub, and the text of a document in them."""

from specter2_plugins.scirepeval.documents import TITLE_AND_ABSTRACT, Document, document, text_of
from specter2_plugins.scirepeval.rows import Row, find_file, judgements, plain_text, read_file, read_rows

__all__ = [
    "TITLE_AND_ABSTRACT",
    "Document",
    "Row",
    "document",
    "find_file",
    "judgements",
    "plain_text",
    "read_file",
    "read_rows",
    "text_of",
]
