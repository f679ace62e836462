"""The pages of the documentation and the code blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("docs/**/*.md") if path.name != "help.md")]
"""All but the page of the command line, which test_help.py holds."""
RUN = ("python", "sh", "console")
"""The languages of blocks that run. Others hold data, or what something printed."""

_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->\s*", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One code block of a page.

    Args:
        page: The file.
        line: The number of its first line of code.
        language: What stands behind the fence.
        code: Its text.
        reason: Why it does not run here, from the comment `<!-- not run: reason -->` above it.
    """

    page: Path
    line: int
    language: str
    code: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page that run, and those that are marked as not run, in order."""
    found: list[Block] = []
    reason = None
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        line = (token.map or [0])[0] + 1
        if token.type == "code_block" and "```" in token.content:
            raise ValueError(f"{page}:{line}: an indented block, which no test sees")
        if token.type == "fence" and (language := token.info.partition(" ")[0]) in RUN:
            found.append(Block(page, line + 1, language, token.content, reason))
        if reason is not None and token.type != "fence":
            raise ValueError(f"{page}:{line}: 'not run' stands above no code block")
        comment = _NOT_RUN.fullmatch(token.content) if token.type == "html_block" else None
        reason = comment["reason"] if comment else None
    return found
