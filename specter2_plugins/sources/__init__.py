"""Papers from services on the net and from programs on this machine: arXiv, Crossref, OpenAlex, Zotero, ...

Example:
    >>> from specter2_plugins.sources import open_source
    >>> source = open_source("arxiv:cat:cs.IR")
    >>> source.name
    'arxiv:cat:cs.IR'
"""

from specter2_plugins.sources.client import Client
from specter2_plugins.sources.source import SOURCES, Source, is_source, open_source

__all__ = ["SOURCES", "Client", "Source", "is_source", "open_source"]
