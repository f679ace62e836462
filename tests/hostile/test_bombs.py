"""Every format and its bomb: read in 1 GB, and said in one line what was refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from specter2_plugins.readers import FORMATS
from tests.hostile.bombs import BOMBS

pytest.importorskip("pyarrow")
pytest.importorskip("openpyxl")

SLOWEST = 120
# Nothing is refused, for nothing is kept: what is of no use, or papers of many keys.
HARMLESS = {
    "bibtex: empty lines without end",
    "jsonl: ever new keys",
    "jats: a body that never ends",
    "tei: text that never ends",
}
# Fields of others, which JSON's formats share.
OF_OTHERS = {"semanticscholar-abstracts", "atom"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limit on a process's memory")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_more_than_a_gigabyte(tmp_path: Path, name: str) -> None:
    read = subprocess.run(
        [sys.executable, "-m", "tests.hostile.bombs", str(BOMBS[name](tmp_path))],
        capture_output=True,
        text=True,
        timeout=SLOWEST,
    )
    assert read.returncode == 0, read.stderr[-2000:]
    assert read.stdout.count("\n") == 1
    if name not in HARMLESS:
        assert "rejected " in read.stdout.partition("MiB, ")[2] or "refused " in read.stdout


def test_every_kind_of_reader_has_a_bomb() -> None:
    """Formats that one reader reads, by the keys of their records, share its bombs."""
    with_one = {name.partition(":")[0] for name in BOMBS}
    free = {name for name, format in FORMATS.items() if format.names_are_free}
    own = set(FORMATS) - {name for name, format in FORMATS.items() if getattr(format.read, "func", None)}
    assert own - with_one - OF_OTHERS == set()
    assert {"jsonl", "csv", "parquet", "xlsx"} <= free & with_one
