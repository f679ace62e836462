"""A run cut into pieces of work for many machines."""

from __future__ import annotations

import json
from pathlib import Path

from specter2_plugins.pipeline.ray.pieces import Piece, SourceFiles, pieces


def test_each_tells_about_how_many_records_there_are(tmp_path: Path) -> None:
    """Whoever follows the run cannot see how far the reading is, on another process."""
    path = tmp_path / "papers.jsonl"
    rows = [{"id": str(number), "title": f"Paper {number}", "abstract": "word " * 2000} for number in range(600)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cut = list(pieces(SourceFiles([path]), lambda records, intake: intake.batches(records, 100)))
    totals = [piece.total for piece in cut if isinstance(piece, Piece)]
    assert len(totals) == 7
    assert all(total is not None and 400 < total <= 601 for total in totals[3:])
    assert totals[-1] == 600
