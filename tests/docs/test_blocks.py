"""Every code block of README and docs runs, page by page, with `mini` where a page says SPECTER2."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("markdown_it")

from tests.docs.pages import PAGES, ROOT, blocks_of
from tests.docs.run import Runner

SLOW = {"evaluation.md", "search.md", "training.md"}
"""Pages whose commands train, measure or ingest hundreds of papers."""


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] * (page.name in SLOW)) for page in PAGES], ids=names
)
def test_the_blocks_of_a_page_run(page: Path, docs_folder: Path) -> None:
    from tests.qdrant.server import Local, Server

    with Server(Local()) as server:
        runner = Runner(server.url)
        for block in blocks_of(page):
            if not block.reason:
                runner.run(block)


def test_few_blocks_are_marked_as_not_run_and_say_why() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page)]
    marked = {str(block): block.reason for block in blocks if block.reason}
    assert len(blocks) > 30
    assert len(marked) <= len(blocks) // 5, marked
    assert all(len(reason.split()) >= 3 for reason in marked.values()), marked
