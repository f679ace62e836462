"""What is written as BibTeX, our own reader reads back as the same papers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("bibtexparser")

from specter2_plugins import Paper
from specter2_plugins.demo import SAMPLE_PAPERS
from specter2_plugins.readers import read_papers
from specter2_plugins.readers.placeholders import is_placeholder
from specter2_plugins.readers.tidy import tidy
from specter2_plugins.writers import to_bibtex


def read_back(papers: list[Paper], folder: Path) -> list[Paper]:
    file = folder / "export.bib"
    file.write_text(to_bibtex(papers), encoding="utf-8")
    return list(read_papers(file))


marks = st.sampled_from([*"\\{}<>~^%$#_&\"'`-?!,@=()*|/ ", "<b>", "&amp;", "\\alpha", "$x$", "--", "é", "中"])
text = st.lists(marks | st.text(st.characters(codec="utf-8"), max_size=4), max_size=12).map("".join).map(tidy)


def says_something(text: str) -> bool:
    """A dash alone is read as no text."""
    return not text or not is_placeholder(text)


name = (
    st.lists(st.text(st.characters(categories=["Lu", "Ll"]), min_size=1, max_size=6), min_size=1, max_size=3)
    .map(" ".join)
    .filter(lambda name: " and " not in f" {name} ".lower())
    .filter(says_something)
    .filter(lambda name: name.lower() not in {"and", "anon", "other", "others"})
)
ids = st.text(st.sampled_from("abcXYZ019.:/+*;<>[]_-é"), min_size=1, max_size=12)
papers = st.builds(
    lambda title, abstract, id, authors, year: Paper(
        title or "x", abstract or None, id, {"type": "misc", "authors": authors, "year": year}
    ),
    text.filter(says_something),
    text.filter(says_something),
    ids.filter(says_something),
    st.lists(name, min_size=1, max_size=3, unique=True),
    st.integers(1500, 2090),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(papers, min_size=1, max_size=4, unique_by=lambda paper: paper.id))
@example(
    [
        Paper(
            r"100\% of {R&D} <b> at x^2 ~ $5 #1 a_b -- ''q''",
            id="a",
            metadata={"type": "misc", "authors": ["A B"], "year": 2000},
        )
    ]
)
def test_titles_authors_years_and_ids_come_back(tmp_path_factory: pytest.TempPathFactory, written: list[Paper]) -> None:
    assert read_back(written, tmp_path_factory.mktemp("export")) == written


def test_sample_papers_come_back(tmp_path: Path) -> None:
    written = list(read_papers(SAMPLE_PAPERS))
    back = read_back(written, tmp_path)
    assert [(paper.id, paper.title, paper.abstract) for paper in back] == [
        (paper.id, paper.title, paper.abstract) for paper in written
    ]


@pytest.mark.parametrize(
    ("kind", "entry", "field"),
    [
        ("inproceedings", "inproceedings", "booktitle"),
        ("Book", "book", "series"),
        ("JournalArticle", "article", "journal"),
        (None, "article", "journal"),
    ],
)
def test_a_venue_stands_where_its_type_of_entry_keeps_it(
    tmp_path: Path, kind: str | None, entry: str, field: str
) -> None:
    paper = Paper(
        "T", id="a", metadata={"type": kind, "venue": "SIGIR & friends", "doi": "10.1145/x_y", "pages": "1-10"}
    )
    written = to_bibtex([paper])
    assert written.startswith(f"@{entry}{{a,\n")
    assert f"{field} = {{SIGIR \\&{{}} friends}}" in written
    (back,) = read_back([paper], tmp_path)
    assert back.metadata == {"type": entry, "venue": "SIGIR & friends", "doi": "10.1145/x_y", "pages": "1-10"}


def test_keys_are_valid_and_never_shared() -> None:
    by_lin = {"authors": ["Jo van Lin"], "year": 2018}
    written = to_bibtex(
        [
            Paper("Some ids, with odd {signs}", id="my paper, v=2"),
            Paper("The neural net", metadata=by_lin),
            Paper("A neural network", metadata=by_lin),
            Paper("Same", id="s"),
            Paper("Same", id="s"),
            Paper(None, "No title"),
        ]
    )
    keys = [line[line.index("{") + 1 : -1] for line in written.splitlines() if line.startswith("@")]
    assert keys == ["my_paper_v_2", "lin2018neural", "lin2018neural-2", "s", "s-2", "paper"]
    assert "doi" not in written


def test_organisations_and_urls_are_kept_whole(tmp_path: Path) -> None:
    paper = Paper("T", id="a", metadata={"authors": ["Bell and Howell", "Jo Lin"], "url": "https://x.org/a_b%20c{1}"})
    written = to_bibtex([paper])
    assert "author = {{Bell and Howell} and Jo Lin}" in written
    assert read_back([paper], tmp_path)[0].metadata["url"] == "https://x.org/a_b%20c%7B1%7D"


def test_nothing_is_an_empty_file() -> None:
    assert to_bibtex([]) == ""
