"""Who could review what: affinities of people and submissions, conflicts of interest, and an assignment.

Example:
    >>> from specter2_plugins import Paper, load_specter2
    >>> from specter2_plugins.reviewers import Affinities
    >>> reviewers = {"~Ann_Lee1": [Paper("Inverted indexes")], "~Bob_Ray1": [Paper("Soil water"), Paper("Irrigation")]}
    >>> affinities = Affinities(load_specter2("mini"), reviewers)
    >>> scores = affinities.scores([Paper("Compressing postings lists", id="s1")])
    >>> affinities.names[scores[0].argmax()]
    '~Ann_Lee1'
"""

from specter2_plugins.reviewers.affinities import Affinities
from specter2_plugins.reviewers.aggregation import Aggregation
from specter2_plugins.reviewers.assignment import Assignment, assign
from specter2_plugins.reviewers.conflicts import conflicts, read_conflicts
from specter2_plugins.reviewers.layouts import by_author, read_reviewers, read_submissions

__all__ = [
    "Affinities",
    "Aggregation",
    "Assignment",
    "assign",
    "by_author",
    "conflicts",
    "read_conflicts",
    "read_reviewers",
    "read_submissions",
]
