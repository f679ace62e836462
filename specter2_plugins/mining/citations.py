"""Who cites whom, read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specter2_plugins.errors import TrainingError
from specter2_plugins.scirepeval import Row, read_file


def read_citations(path: str | Path) -> dict[str, list[str]]:
    """Read a list of citations.

    Example:
        >>> read_citations("citations.csv")["rank"]
        ['ltr']

    Args:
        path: JSON lines, a JSON list, CSV or TSV, whose records have `citing`, an id, and `cited`, an id or (in JSON) a
            list of them.

    Returns:
        A paper's id -> the ids it cites, each once, in the file's order.

    Raises:
        TrainingError: If a record is no citation; the message names it.
        EvaluationError: If the file cannot be read.
    """
    path = Path(path)
    found: dict[str, dict[str, None]] = {}
    for number, row in enumerate(read_file(path), start=1):
        citing, cited = _citation(row, f"{path}: record {number}")
        found.setdefault(citing, {}).update(dict.fromkeys(cited))
    return {citing: list(cited) for citing, cited in found.items()}


def _citation(row: Row, where: str) -> tuple[str, list[str]]:
    citing, cited = _id(row.get("citing")), row.get("cited")
    several = [_id(one) for one in (cited if isinstance(cited, list) else [cited])]
    if citing is None or None in several:
        raise TrainingError(f"{where} has no 'citing' with an id and 'cited' with one or a list of them: {row}")
    return citing, [one for one in several if one is not None]


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None
