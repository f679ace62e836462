"""Files of papers -> `Paper`s.

Example:
    >>> from specter2_plugins.readers import read_papers
    >>> [paper.metadata["year"] for paper in read_papers("library.bib")]
    [2019, 2017, 2009, 2012, 2020, 2021, 2019, 2014]
"""

from specter2_plugins.readers.format import Format, at_sign, from_start
from specter2_plugins.readers.progress import ReadingProgress
from specter2_plugins.readers.read import read_papers, read_records
from specter2_plugins.readers.records import Entry, Problem, Rejected
from specter2_plugins.readers.registry import FORMATS
from specter2_plugins.readers.stream import Stream

__all__ = [
    "FORMATS",
    "Entry",
    "Format",
    "Problem",
    "ReadingProgress",
    "Rejected",
    "Stream",
    "at_sign",
    "from_start",
    "read_papers",
    "read_records",
]
