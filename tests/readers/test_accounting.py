"""Every word of a file is in a paper or in what is rejected, however the file was cut, doubled or joined."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specter2_plugins import Paper, PaperError
from specter2_plugins.readers import ReadingProgress, read_records

from .helpers import collect, write

COUNT = 6
ATOM = "<?xml version='1.0'?>\n<feed xmlns='http://www.w3.org/2005/Atom'>\n"
# What begins a file, a record with its number and a word of its own, and what ends the file.
FILES = {
    "a.bib": ("", "@article{{k{n},\n  title = {{The {word}}},\n  year = 2001\n}}\n\n", ""),
    "a.ris": ("", "TY  - JOUR\nTI  - The {word}\nER  - \n\n", ""),
    "a.nbib": ("", "PMID- 10{n}\nTI  - {word} of\n      the night\n\n", ""),
    "a.enw": ("", "%0 Book\n%T {word}\n\n", ""),
    "a.ciw": ("FN Clarivate\nVR 1.0\n", "PT J\nTI {word}\n   more\nUT WOS:{n}\nER\n\n", "EF\n"),
    "a.refworks": ("", "RT Journal\nT1 {word}\nAB text\n\n", ""),
    "a.jsonl": ("", '{{"title": "{word}"}}\n', ""),
    "a.csv": ("id,title,abstract\n", '{n},"The {word}","two\nlines"\n', ""),
    "array.json": ("[\n", '{{"title": "{word}"}},\n', '{"title": "last"}\n]\n'),
    "object.json": ('{"total": 7, "papers": [\n', '{{"title": "{word}"}},\n', '{"title": "last"}\n]}\n'),
    "semicolons.csv": ("title;abstract\n", '"The {word}";"two\nlines, ""quoted"""\n', ""),
    "a.tsv": ("id\ttitle\tabstract\n", "{n}\tThe {word}\ttext\n", ""),
    "pubmed.xml": (
        "<PubmedArticleSet>\n",
        "<PubmedArticle>\n<MedlineCitation>\n<PMID>10{n}</PMID>\n<Article>\n<ArticleTitle>{word}</ArticleTitle>\n"
        "</Article>\n</MedlineCitation>\n</PubmedArticle>\n",
        "</PubmedArticleSet>\n",
    ),
    "atom.xml": (ATOM, "<entry>\n<id>{n}</id>\n<title>{word}</title>\n</entry>\n", "</feed>\n"),
    "rss.xml": ("<rss>\n<channel>\n", "<item>\n<title>{word}</title>\n</item>\n", "</channel>\n</rss>\n"),
    "oai.xml": (
        "<OAI-PMH>\n<ListRecords>\n",
        "<record>\n<header><identifier>oai:{n}</identifier></header>\n<metadata><dc>\n<title>{word}</title>\n</dc>"
        "</metadata></record>\n",
        "</ListRecords>\n</OAI-PMH>\n",
    ),
    "jats.xml": (
        "<pmc-articleset>\n",
        "<article>\n<front><article-meta><title-group>\n<article-title>{word}</article-title></title-group>"
        "</article-meta></front>\n</article>\n",
        "</pmc-articleset>\n",
    ),
    "tei.xml": (
        "<teiCorpus>\n",
        "<TEI>\n<teiHeader><fileDesc><titleStmt>\n<title>{word}</title></titleStmt></fileDesc></teiHeader>\n</TEI>\n",
        "</teiCorpus>\n",
    ),
    "dblp.xml": ("<dblp>\n", "<article key='{n}'>\n<title>{word}</title>\n</article>\n", "</dblp>\n"),
    "mods.xml": (
        "<modsCollection>\n",
        "<mods ID='x{n}'>\n<titleInfo><title>{word}</title></titleInfo>\n</mods>\n",
        "</modsCollection>\n",
    ),
    "endnote.xml": (
        "<xml><records>\n",
        "<record>\n<titles><title>{word}</title></titles>\n</record>\n",
        "</records></xml>\n",
    ),
    "refworks.xml": ("<refworks>\n", "<reference>\n<t1>{word}</t1>\n</reference>\n", "</refworks>\n"),
}


def records(name: str) -> list[str]:
    return [FILES[name][1].format(n=number, word=f"owl{number}word") for number in range(COUNT)]


def whole(name: str) -> str:
    head, _, tail = FILES[name]
    return head + "".join(records(name)) + tail


# A feed and a channel have titles of their own.
IN_LINES = sorted(FILES.keys() - {"atom.xml", "rss.xml"})


@st.composite
def in_other_lines(draw: st.DrawFn, name: str) -> str:
    """The file with some of its lines missing, twice, or before others, wherever these begin and end."""
    head, _, _ = FILES[name]
    lines = whole(name).splitlines(keepends=True)
    above = head.count("\n")
    first, second = sorted(draw(st.tuples(st.integers(above, len(lines)), st.integers(above, len(lines)))))
    kind = draw(st.sampled_from(["missing", "twice", "swapped"]))
    if kind == "missing":
        kept = lines[:first] + lines[second:]
    else:
        kept = lines[:second] + lines[first:] if kind == "twice" else lines[:above] + lines[first:] + lines[above:first]
    return "".join(kept)


@st.composite
def damaged(draw: st.DrawFn, name: str) -> str:
    """The file with records in another order or twice, cut off, behind its own beginning, or before another one."""
    head, _, tail = FILES[name]
    content = whole(name)
    kind = draw(st.sampled_from(["order", "cut", "begins twice", "another behind"]))
    if kind == "order":
        order = draw(st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=9))
        return head + "".join(records(name)[number] for number in order) + tail
    if kind == "another behind":
        return f"{content}\n{whole(draw(st.sampled_from(sorted(FILES))))}"
    cut = draw(st.integers(len(head) + 1, len(content)))
    return content[:cut] if kind == "cut" else content[:cut] + content


def lost(path: Path, content: str) -> Iterator[str]:
    """Words whose line neither a paper that holds them nor a rejected record begins before."""
    path.write_text(content)
    try:
        found = list(read_records(path))
    except PaperError:
        return
    for number, line in enumerate(content.split("\n"), start=1):
        for word in re.findall(r"owl\dword", line):
            before = [(place, record) for record in found if (place := line_of(record)) <= number]
            # A record that begins in this line may stand behind the word, and the one before it hold it.
            starts = sorted({place for place, _ in before})[-2 if any(place == number for place, _ in before) else -1 :]
            last = [record for place, record in before if place in starts]
            rest = any("from here on" in str(record) for _, record in before)
            if not rest and not any(not isinstance(record, Paper) or word in repr(record) for record in last):
                yield f"{word} in line {number}"


def line_of(record: object) -> int:
    return record.origin.line if isinstance(record, Paper) and record.origin else record.line  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_word_is_lost(tmp_path: Path, name: str, data: st.DataObject) -> None:
    assert list(lost(tmp_path / name, data.draw(damaged(name)))) == []


@pytest.mark.parametrize("name", IN_LINES)
@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_word_is_lost_where_lines_are(tmp_path: Path, name: str, data: st.DataObject) -> None:
    assert list(lost(tmp_path / name, data.draw(in_other_lines(name)))) == []


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.bib", "k3,\n  title = {Bats},\n}\n@article{k, title = {Owls}}\n", 1),
        ("a.bib", "@article{k, title = {Owls}, year = 1, year = 2}\n  title = {Bats},\n}\n", 2),
        ("a.csv", "3,Bats,words\nid,title,abstract\n4,Owls,text\n", 1),
        ("a.xml", "<dblp>\n<article key='a'><title>Owls</title></article>\n<artcle>Bats\n\n</dblp>", 2),
    ],
)
def test_the_rest_of_a_record_is_named_by_its_line(tmp_path: Path, name: str, content: str, line: int) -> None:
    [paper], [rejected] = collect(write(tmp_path, name, content))
    assert (paper.title, rejected.line) == ("Owls", line)


def test_an_article_within_another_is_said(tmp_path: Path) -> None:
    article = "<Article><ArticleTitle>{}</ArticleTitle></Article>"
    citation = f"<MedlineCitation><PMID>1</PMID>{article.format('Owls')}{article.format('Bats')}</MedlineCitation>"
    [paper], _ = collect(write(tmp_path, "a.xml", f"<PubmedArticleSet>{citation}</PubmedArticleSet>"))
    assert paper.metadata["other_titles"] == ["Bats"]


def test_the_format_that_shows_first_counts(tmp_path: Path) -> None:
    """A table whose texts hold a reference of another format is a table."""
    rows = 'title,abstract\nOwls,"they write\n@article{a, title={B}}\nTY  - JOUR\nER  - \n"\n'
    [paper], rejected = collect(write(tmp_path, "papers", rows))
    assert (paper.title, rejected) == ("Owls", [])


def test_a_second_title_is_kept_and_said(tmp_path: Path) -> None:
    progress = ReadingProgress()
    path = write(tmp_path, "a.ris", "TY  - JOUR\nTI  - Owls\nTI  - Bats\nER  - \n")
    [paper] = read_records(path, progress=progress)
    assert isinstance(paper, Paper)
    assert (paper.title, paper.metadata["other_titles"]) == ("Owls", ["Bats"])
    assert "more titles than one" in progress.notes[0]


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ("<dblp><article key='a'><title>A</title></article>lost words</dblp>", ["text outside of records"]),
        ("<dblp>lost<article key='a'><title>A</title></article></dblp>", ["text outside of records"]),
        (
            "<dblp>\n<article key='a'><title>A</title>\n<article key='b'><title>B</title></article></article></dblp>",
            ["<article> begins within it"],
        ),
        (json.dumps({"title": "A"}) + "\n{broken\n", ["not valid JSON"]),
    ],
)
def test_what_stands_between_records_is_rejected(tmp_path: Path, content: str, reasons: list[str]) -> None:
    papers, rejected = collect(write(tmp_path, "a", content))
    assert papers
    assert all(any(reason in record.reason for record in rejected) for reason in reasons)
