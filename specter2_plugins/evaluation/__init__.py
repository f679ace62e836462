"""How good a model's embeddings are: SciRepEval, MDCR, BEIR folders, CACM and CISI, with BM25 beside every ranking.

Example:
    >>> from specter2_plugins import load_specter2
    >>> from specter2_plugins.evaluation import evaluate
    >>> print(evaluate(load_specter2("mini"), "beir/scifact").table())
    | task | metric | bm25 | model | hybrid |
    | --- | --- | ---: | ---: | ---: |
    | scifact | ndcg_cut_10 | ...
"""

from specter2_plugins.extras import require

require("pytrec_eval", "pytrec-eval-terrier", "evaluate")

from specter2_plugins.evaluation.evaluate import evaluate  # noqa: E402
from specter2_plugins.evaluation.mteb_encoder import mteb_encoder  # noqa: E402
from specter2_plugins.evaluation.plot import check_plot, save_plot  # noqa: E402
from specter2_plugins.evaluation.report import Report, Score  # noqa: E402
from specter2_plugins.evaluation.sources import read_tasks  # noqa: E402
from specter2_plugins.evaluation.stages import Stage  # noqa: E402
from specter2_plugins.evaluation.task import Task  # noqa: E402

__all__ = ["Report", "Score", "Stage", "Task", "check_plot", "evaluate", "mteb_encoder", "read_tasks", "save_plot"]
