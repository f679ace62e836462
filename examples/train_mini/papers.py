"""40,000 papers of the ACM: what `mini` is trained on, and what is kept from it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]

HELD_OUT_VENUES = frozenset(("avi", "doceng", "ht", "icml", "iui", "pods", "recsys", "umap", "wsdm", "mum"))
"""Of these nothing is trained on, so that searches, years and venues of theirs can be measured."""

_FIRST_YEAR, _YEARS = 1970, 50

_TRACE = 150
"""Letters and digits of a text by which papers are told apart."""


def read_acm(path: str | Path) -> list[Record]:
    """Read papers with `title`, `abstract`, `keywords` in lower case, `venue` and `year`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [{**record, "keywords": _tidy(record["keywords"])} for record in records]


def split(papers: Sequence[Record], others: Iterable[Record] = ()) -> tuple[list[Record], list[Record]]:
    """Papers to train on, and those of the held-out venues.

    Args:
        papers: What `read_acm` returned.
        others: Records that are not to be trained on either. Papers that have a title, or the beginning of an
            abstract, of theirs or of a held-out paper are in neither list: some were published twice.
    """
    held_out = [paper for paper in papers if paper["venue"] in HELD_OUT_VENUES]
    known = {trace for record in (*held_out, *others) for trace in _traces(record)}
    rest = (paper for paper in papers if paper["venue"] not in HELD_OUT_VENUES)
    return [paper for paper in rest if known.isdisjoint(_traces(paper))], held_out


def scaled_year(paper: Record) -> float:
    """The year, 0 for the first that there is and about 1 for the last."""
    return (paper["year"] - _FIRST_YEAR) / _YEARS


def _traces(record: Record) -> list[str]:
    texts = (record.get(key) for key in ("title", "abstract"))
    return [trace for text in texts if text and (trace := "".join(filter(str.isalnum, text.lower()))[:_TRACE])]


def _tidy(keywords: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(keyword.strip().lower() for keyword in keywords if keyword.strip()))
