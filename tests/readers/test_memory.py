"""Memory does not grow with the file. Each file is read in a process of its own, whose peak the system tells."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ABSTRACT = "We measure how memory grows with the number of records that are read. " * 12
MEASURE = """
import resource, sys
from specter2_plugins.readers import read_papers
count = sum(1 for _ in read_papers(sys.argv[1:]))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(*paths: Path, expected: int) -> int:
    """The peak memory of reading files."""
    output = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, paths)], check=True, capture_output=True, text=True
    ).stdout
    count, peak = map(int, output.split())
    assert count == expected
    return peak


def jsonl(number: int) -> str:
    return json.dumps({"id": number, "title": f"Title {number}", "abstract": ABSTRACT}) + "\n"


def bibtex(number: int) -> str:
    return f"@article{{k{number},\n title = {{Title {number}}},\n abstract = {{{ABSTRACT}}},\n year = 2020\n}}\n"


def ris(number: int) -> str:
    return f"TY  - JOUR\nID  - {number}\nTI  - Title {number}\nAB  - {ABSTRACT}\nER  - \n"


def csv(number: int) -> str:
    return f'{number},"Title {number}","{ABSTRACT}"\n'


def pubmed(number: int) -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>Title {number}</ArticleTitle>"
        f"<Abstract><AbstractText>{ABSTRACT}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>\n"
    )


def write(path: Path, head: str, record: Callable[[int], str], count: int, tail: str = "") -> Path:
    with path.open("w") as file:
        file.write(head)
        file.writelines(record(number) for number in range(count))
        file.write(tail)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "record", "tail", "count"),
    [
        ("", jsonl, "", 200_000),
        ("[", lambda number: ("," if number else "") + jsonl(number), "]", 200_000),
        ("id,title,abstract\n", csv, "", 200_000),
        ("", bibtex, "", 20_000),
        ("", ris, "", 100_000),
        ("<PubmedArticleSet>", pubmed, "</PubmedArticleSet>", 200_000),
    ],
    ids=["jsonl", "json", "csv", "bibtex", "ris", "pubmed"],
)
def test_memory_is_flat(tmp_path: Path, head: str, record: Callable[[int], str], tail: str, count: int) -> None:
    small = peak_mib(write(tmp_path / "small", head, record, 100, tail), expected=100)
    large = peak_mib(write(tmp_path / "large", head, record, count, tail), expected=count)
    assert large - small < 24


@pytest.mark.slow
def test_memory_is_flat_for_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def table(path: Path, groups: int) -> Path:
        group = pyarrow.table({"title": [f"Title {n}" for n in range(5_000)], "abstract": [ABSTRACT] * 5_000})
        with parquet.ParquetWriter(path, group.schema, use_dictionary=False) as writer:
            for _ in range(groups):
                writer.write_table(group)
        return path

    small = peak_mib(table(tmp_path / "small", 2), expected=10_000)
    large = peak_mib(table(tmp_path / "large", 40), expected=200_000)
    assert large - small < 64


@pytest.mark.slow
def test_memory_is_flat_for_joined_abstracts(tmp_path: Path) -> None:
    def paper(number: int) -> str:
        return json.dumps({"corpusid": number, "title": f"Title {number}", "externalids": {}}) + "\n"

    def abstract(number: int) -> str:
        return json.dumps({"corpusid": number, "abstract": f"{ABSTRACT}{number}"}) + "\n"

    def both(name: str, count: int) -> tuple[Path, Path]:
        return write(tmp_path / f"{name}p", "", paper, count), write(tmp_path / f"{name}a", "", abstract, count)

    small = peak_mib(*both("small", 100), expected=100)
    large = peak_mib(*both("large", 200_000), expected=200_000)
    # SQLite's cache is 64 MiB.
    assert large - small < 100
