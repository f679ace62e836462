"""BEIR's `corpus.jsonl`: `_id`, `title`, `text`, and `metadata` as an object of its own.

Source: https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
"""

from __future__ import annotations

from typing import Any

from specter2_plugins.readers.flavour import Flavour, signs
from specter2_plugins.readers.names import plan_for
from specter2_plugins.readers.records import Entry, Problem


def _entry(line: int, record: dict[str, Any]) -> Entry | Problem:
    metadata = record.get("metadata")
    flat = {**metadata, **record, "metadata": None} if isinstance(metadata, dict) else record
    return plan_for(tuple(flat)).entry(line, flat)


BEIR = Flavour("beir", signs("_id text metadata"), _entry)
