"""What the hosts' tests share: one folder of mini, texts, and the vectors that each side must have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specter2_plugins import Specter2

PAPERS = [
    "Soil moisture between the emitters of an irrigation",
    "Learning to rank documents with deep networks",
    "Message passing for quantum chemistry",
]
QUERIES = ["ranking of documents", "soil water"]


@pytest.fixture(scope="session")
def folder(mini: Specter2, tmp_path_factory: pytest.TempPathFactory) -> str:
    """`mini`, saved for those who load a folder by themselves."""
    path = tmp_path_factory.mktemp("hosts") / "mini"
    mini.save_pretrained(str(path))
    return str(path)


@pytest.fixture(scope="session")
def same(mini: Specter2) -> Callable[..., None]:
    """Assert that vectors are those of one side, up to their length, and not of the other."""
    sides = {"query": mini.encode_query, "document": mini.encode_document}

    def check(vectors: Any, side: str, texts: list[Any]) -> None:
        other = "document" if side == "query" else "query"
        got, wanted, wrong = (
            np.asarray(rows, dtype=np.float64) for rows in (vectors, sides[side](texts), sides[other](texts))
        )
        got, wanted, wrong = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (got, wanted, wrong))
        assert np.abs(got - wanted).max() < 1e-5
        assert np.abs(got - wrong).max() > 1e-3

    return check


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder of its own: ASReview writes a cache where it is imported."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A table for ASReview."""
    path = tmp_path / "papers.csv"
    rows = [f'"{title} {number}","Text of {title}.",{number % 2}' for number in range(4) for title in PAPERS]
    path.write_text("\n".join(["title,abstract,included", *rows]), encoding="utf-8")
    return path
