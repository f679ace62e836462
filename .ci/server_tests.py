"""Run the tests that speak to a server on the Qdrant at QDRANT_URL, and say how many there are: `make test-server`.

The fast tests speak to an imitation, qdrant-client's local engine behind HTTP and gRPC. Each of them that has a server
runs a second time, named `remote`, where QDRANT_URL names one; QDRANT_API_KEY is its key. What they make there has
names that begin with `specter2-test-` and a random number, and is deleted at the end; what else the server holds is
left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import pytest

HINT = (
    "QDRANT_URL is not set. It names the server to test with:\n"
    "  docker run -p 6333:6333 -p 6334:6334 qdrant/qdrant\n"
    "  QDRANT_URL=http://localhost:6333 make test-server"
)


class _Counts:
    """Counts what became of the tests."""

    def __init__(self) -> None:
        self.selected = 0
        self.of: dict[str, int] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.selected = len(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.of[report.outcome] = self.of.get(report.outcome, 0) + 1


def main(arguments: Sequence[str]) -> int:
    """Run them; exit code 2 without a server, 1 if one failed or none was found."""
    url = os.environ.get("QDRANT_URL")
    if not url:
        sys.stderr.write(HINT + "\n")
        return 2
    counts = _Counts()
    code = pytest.main(["-q", "-k", "remote", "tests", "--ignore=tests/docs", *arguments], plugins=[counts])
    became = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.of.items())) or "none ran"
    sys.stdout.write(f"{counts.selected} tests speak to a server: {became}\n")
    return 1 if code or not counts.of.get("passed") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
