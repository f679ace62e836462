"""Files of papers -> `Paper`s.

Example:
    >>> from specter2_plugins.readers import read_papers, read_records
    >>> papers = list(read_papers("library.bib"))
"""

from specter2_plugins.readers.formats import FORMATS
from specter2_plugins.readers.progress import ReadingProgress
from specter2_plugins.readers.read import read_papers, read_records
from specter2_plugins.readers.records import Rejected

__all__ = ["FORMATS", "ReadingProgress", "Rejected", "read_papers", "read_records"]
