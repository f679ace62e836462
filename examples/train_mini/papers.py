"""40,000 papers of the ACM: what `mini` is trained on, and what is kept from it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]

HELD_OUT_VENUES = frozenset(("avi", "doceng", "ht", "icml", "iui", "pods", "recsys", "umap", "wsdm", "mum"))
"""Of these nothing is trained on, so that searches, years and venues of theirs can be measured."""


def read_acm(path: str | Path) -> list[Record]:
    """Read papers with `title`, `abstract`, `keywords` in lower case, `venue` and `year`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [{**record, "keywords": _tidy(record["keywords"])} for record in records]


def split(papers: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Papers to train on, and those of the held-out venues."""
    return (
        [paper for paper in papers if paper["venue"] not in HELD_OUT_VENUES],
        [paper for paper in papers if paper["venue"] in HELD_OUT_VENUES],
    )


def _tidy(keywords: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(keyword.strip().lower() for keyword in keywords if keyword.strip()))
