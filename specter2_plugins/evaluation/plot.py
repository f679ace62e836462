"""A report as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from specter2_plugins.errors import EvaluationError
from specter2_plugins.evaluation.report import SYSTEMS, Report
from specter2_plugins.extras import require
from specter2_plugins.writers.files import writing

_HEIGHT_PER_ROW = 0.45
_WIDTH = 8
_BAR = 0.8


def save_plot(report: Report, path: Path) -> None:
    """Draw a bar for each task, metric and system.

    Example:
        >>> from specter2_plugins import load_specter2
        >>> from specter2_plugins.evaluation import evaluate
        >>> save_plot(evaluate(load_specter2("mini"), "beir/scifact"), Path("scores.svg"))

    Args:
        report: What to draw.
        path: Where to; its ending is the format: .png, .svg, .pdf.

    Raises:
        Specter2Error: If it cannot be written.
        MissingExtraError: If matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", "matplotlib", "evaluate")
    rows = list(dict.fromkeys((score.task, score.metric) for score in report.scores))
    systems = [system for system in SYSTEMS if any(score.system == system for score in report.scores)]
    values = {(score.task, score.metric, score.system): score.value for score in report.scores}
    # Without pyplot, so that no backend is chosen and no window can open.
    figure = figure_module.Figure(figsize=(_WIDTH, 1.2 + _HEIGHT_PER_ROW * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    thickness = _BAR / len(systems)
    for number, system in enumerate(systems):
        offsets = np.arange(len(rows)) + thickness * (number - (len(systems) - 1) / 2)
        axes.barh(offsets, [values.get((*row, system), 0) for row in rows], height=thickness, label=system)
    axes.set_yticks(range(len(rows)), [f"{task}: {metric}" for task, metric in rows])
    axes.invert_yaxis()
    axes.set_xlabel("points")
    axes.legend()
    try:
        with writing(path, "wb") as file:
            figure.savefig(file, format=path.suffix.lower().removeprefix("."))
    except OSError as error:
        raise EvaluationError(f"{path} cannot be written: {error}") from None


def check_plot(path: Path) -> None:
    """Refuse what `save_plot` would refuse, before the work is done.

    Example:
        >>> check_plot(Path("scores.svg"))

    Raises:
        EvaluationError: If the format is unknown.
        MissingExtraError: If matplotlib is not installed.
    """
    known = require(
        "matplotlib.backends.backend_agg", "matplotlib", "evaluate"
    ).FigureCanvasAgg.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise EvaluationError(f"{path}: unknown ending; expected one of {', '.join(f'.{ending}' for ending in known)}")
