"""What the tests of the pipeline share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import specter2
from tests.stores import client, papers, server

__all__ = ["client", "papers", "server", "specter2"]

PAPERS = 60


@pytest.fixture(autouse=True, scope="session")
def actors_import_what_is_tested() -> Iterator[None]:
    """Processes that Ray starts import the package from where it lies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
        yield


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    lines = [{"id": str(number), "title": f"Graph networks {number}", "year": number} for number in range(PAPERS)]
    lines[20:20] = [{"id": "bad"}, {"id": "3", "title": "Graph networks 3"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
