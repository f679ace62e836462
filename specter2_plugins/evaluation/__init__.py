"""How good a model's embeddings are: SciRepEval, MDCR, BEIR folders, CACM and CISI, with BM25 beside every ranking.

Example:
    >>> from specter2_plugins import load_specter2
    >>> from specter2_plugins.evaluation import evaluate
    >>> print(evaluate(load_specter2("mini"), "beir/scifact").table())
"""

from specter2_plugins.evaluation.evaluate import evaluate
from specter2_plugins.evaluation.mteb_encoder import mteb_encoder
from specter2_plugins.evaluation.plot import save_plot
from specter2_plugins.evaluation.report import Report, Score
from specter2_plugins.evaluation.sources import read_tasks
from specter2_plugins.evaluation.task import Task

__all__ = ["Report", "Score", "Task", "evaluate", "mteb_encoder", "read_tasks", "save_plot"]
