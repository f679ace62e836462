"""Scores as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specter2_plugins.errors import EvaluationError, Specter2Error
from specter2_plugins.evaluation import Report, Score, check_plot, save_plot

REPORT = Report(
    [
        Score("CACM", "map", "bm25", 30.0),
        Score("CACM", "map", "model", 31.256),
        Score("CACM", "map", "hybrid", 35.0),
        Score("Year", "kendalltau", "model", float("nan")),
    ],
    {"proximity": {"adapter": "proximity"}},
)


def test_table() -> None:
    assert REPORT.table().splitlines() == [
        "| task | metric | bm25 | model | hybrid |",
        "| --- | --- | ---: | ---: | ---: |",
        "| CACM | map | 30.00 | 31.26 | 35.00 |",
        "| Year | kendalltau |  | nan |  |",
    ]
    assert Report(REPORT.scores[3:], {}).table().startswith("| task | metric | model |")


def test_json_has_null_for_what_is_not_a_number() -> None:
    written = json.loads(json.dumps(REPORT.to_dict(), allow_nan=False))
    assert written["scores"][1] == {"task": "CACM", "metric": "map", "system": "model", "value": 31.256}
    assert written["scores"][3]["value"] is None
    assert written["made_with"] == {"proximity": {"adapter": "proximity"}}


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    check_plot(tmp_path / "scores.svg")
    save_plot(REPORT, tmp_path / "scores.svg")
    drawn = (tmp_path / "scores.svg").read_text()
    assert "CACM: map" in drawn
    save_plot(REPORT, tmp_path / "scores.png")
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(EvaluationError, match=r"scores.doc: unknown ending; expected one of \."):
        check_plot(tmp_path / "scores.doc")
    with pytest.raises(Specter2Error, match=r"cannot write .*scores.svg"):
        save_plot(REPORT, tmp_path / "no" / "scores.svg")
