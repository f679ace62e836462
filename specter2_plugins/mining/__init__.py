"""Training triplets from who cites whom, and from Qdrant's neighbours.

Example:
    >>> from specter2_plugins.mining import mine_triplets, read_citations, write_triplets
    >>> from specter2_plugins.readers import read_papers
    >>> papers = {paper.id: paper for paper in read_papers("papers.jsonl")}
    >>> write_triplets(mine_triplets(read_citations("citations.csv"), papers), papers, "triplets.jsonl")
    35
"""

from specter2_plugins.mining.citations import read_citations
from specter2_plugins.mining.triplets import Triplet, mine_triplets, write_triplets

__all__ = ["Triplet", "mine_triplets", "read_citations", "write_triplets"]
