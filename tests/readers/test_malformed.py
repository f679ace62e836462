"""Malformed records of every format: named with line, id and reason, and the rest of the file read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from specter2_plugins import PaperError
from specter2_plugins.readers import Rejected
from specter2_plugins.readers.limits import MAX_RECORD, MAX_TEXT
from specter2_plugins.scirepeval import read_file

from .helpers import DATA, collect, write


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"title": 5}', "title is 5 (int), expected a string or None"),
        ('{"title": [["a"]]}', "title is [['a']] (list)"),
        ('{"id": "p", "title": null, "abstract": " "}', "neither title nor abstract holds any text"),
        ('{"title": "cut', "not valid JSON"),
        ('{"title": NaN}', "not valid JSON"),
        ('{"title": "\\ud800"}', "not valid JSON"),
        ("[1, 2]", "expected a JSON object, got list"),
        ("null", "null instead of a paper"),
        ("{}", "no title and no abstract among the keys none"),
        ('{"title": "\\u00e9", "a": ' + "[" * 2000 + "]" * 2000 + "}", "not valid JSON"),
        ('{"title": "' + "a" * (MAX_TEXT + 1) + '"}', "title has 200,001 characters, more than 200,000"),
        ('{"title": "' + "a" * MAX_RECORD + '"}', "longer than 16 MiB"),
        ('{"abstract_inverted_index": {"a": 5}, "id": "W1"}', "abstract_inverted_index is not words"),
        ('{"abstract_inverted_index": [1], "title": "T"}', "abstract_inverted_index is not words"),
        ('{"abstract_inverted_index": {"a": [1], "b": ["x"]}, "title": "T"}', "abstract_inverted_index is not words"),
        ('{"meta": {}, "results": [null]}', "null instead of a paper"),
        ('{"meta": {}, "results": 5}', "expected a JSON object, got int"),
        ('{"query": {"title": "q"}, "pos": 1, "neg": {"title": "n"}}', "expected a JSON object, got int"),
    ],
    ids=lambda value: value[:40],
)
def test_json_lines(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, "papers.jsonl", f'{{"title": "good"}}\n{line}\n{{"title": "also good"}}\n')
    papers, rejected = collect(path)
    assert [paper.title for paper in papers if paper.title in ("good", "also good")] == ["good", "also good"]
    assert [reject.line for reject in rejected] == [2]
    assert reason in rejected[0].reason


def test_json_array_loses_only_the_bad_record(tmp_path: Path) -> None:
    array = '[\n {"title": "a", "n": [1, {"x": "]}"}]},\n {"title": NaN},\n null, "text", 5,\n {"title": "b\\""}\n]'
    papers, rejected = collect(write(tmp_path, "papers.json", array))
    assert [paper.title for paper in papers] == ["a", 'b"']
    assert [(reject.line, reject.reason[:20]) for reject in rejected] == [
        (3, "not valid JSON: unex"),
        (4, "null instead of a pa"),
        (4, "expected a JSON obje"),
        (4, "expected a JSON obje"),
    ]


@pytest.mark.parametrize(
    ("cut", "titles", "line", "reason"),
    [
        ('[{"title": "a"},\n{"title": "b"}', ["a", "b"], 2, "ends within an array"),
        ('[{"title": "a"},\n{"title": "b', ["a"], 2, "not valid JSON"),
        ('[{"title": "a"},\n{"title": "b"},', ["a", "b"], 2, "ends within an array"),
        ('{\n"title": "a",\n"abstract": "b', [], 1, "not valid JSON"),
    ],
)
def test_half_a_json_array(tmp_path: Path, cut: str, titles: list[str], line: int, reason: str) -> None:
    papers, rejected = collect(write(tmp_path, "papers.json", cut))
    assert [paper.title for paper in papers] == titles
    assert [reject.line for reject in rejected] == [line]
    assert reason in rejected[0].reason


def test_a_record_of_a_json_array_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, "papers.json", '[{"title": "a"}, {"title": "' + "b" * 2 * MAX_RECORD + '"}]')
    papers, [rejected] = collect(path)
    assert len(papers) == 1
    assert rejected.reason == "longer than 16 MiB; the rest of the file is not read"


@pytest.mark.parametrize(
    ("entry", "key", "reason"),
    [
        ("@article{cut, title = {T}, journal = {TO", "cut", "malformed or cut off"),
        ('@article{two, title = {T} "x"}', "two", "a comma is missing before"),
        ("@misc{none, year = 1999}", "none", "neither title nor abstract"),
        ("@article{T = {T}", None, "malformed or cut off"),
        ("@article{utf, title = {K\udce4se}}", "utf", "not UTF-8. Convert the file first: iconv"),
    ],
)
def test_bibtex(tmp_path: Path, entry: str, key: str | None, reason: str) -> None:
    content = f"@article{{a, title={{A}}}}\n{entry}\n@ article {{b, title={{B}}}}\n"
    path = write(tmp_path, "a.bib", content.encode(errors="surrogateescape"))
    papers, [rejected] = collect(path)
    assert [paper.id for paper in papers] == ["a", "b"]
    assert (rejected.line, rejected.id) == (2, key)
    assert reason in rejected.reason


def test_bibtex_entries_may_share_a_line_and_a_key(tmp_path: Path) -> None:
    path = write(tmp_path, "twice.bib", "@article{a, title={One}, title={Again}} @article{a, title={Two}}")
    assert [paper.title for paper in collect(path)[0]] == ["One", "Two"]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (b"TY  - JOUR\nID  - x\n", "no ER at the end"),
        (b"TY  - JOUR\nTI  - K\xe4se\nER  - \n", "not UTF-8"),
        (b"TY  - JOUR\nER  - \n", "neither title nor abstract"),
        (b"TY  - JOUR\n continued\nER  - \n", "neither title nor abstract"),
        (b"TY  - JOUR\nTI  - " + b"a" * MAX_RECORD + b"\nER  - \n", "longer than 16 MiB"),
    ],
    ids=range(5),
)
def test_ris(tmp_path: Path, reference: bytes, reason: str) -> None:
    good = b"TY  - JOUR\nTI  - Good\nER  - \n"
    papers, [rejected] = collect(write(tmp_path, "a.ris", good + reference + good))
    assert len(papers) == 2
    assert rejected.line == 4
    assert reason in rejected.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("one", "expected 2 columns as in the header, got 1"),
        ("1,2,3", "expected 2 columns as in the header, got 3"),
        ('1,"un"quoted', "not valid CSV"),
        ("1,K\udce4se", "not UTF-8"),
        ("1,", "neither title nor abstract"),
        ("1," + "a" * 500_000, "not valid CSV: field larger than field limit"),
        ("1," + "a" * MAX_RECORD, "longer than 16 MiB"),
    ],
    ids=lambda value: value[:20],
)
def test_csv(tmp_path: Path, row: str, reason: str) -> None:
    content = f"id,title\n\n0,Good\n{row}\n2,Also good\n".encode(errors="surrogateescape")
    papers, [rejected] = collect(write(tmp_path, "a.csv", content))
    assert [paper.title for paper in papers] == ["Good", "Also good"]
    assert rejected.line == 4
    assert reason in rejected.reason


def test_csv_quote_that_is_never_closed(tmp_path: Path) -> None:
    papers, [rejected] = collect(write(tmp_path, "a.csv", 'id,title\n0,Good\n1,"open\n2,swallowed\n'))
    assert [paper.title for paper in papers] == ["Good"]
    assert (rejected.line, rejected.reason) == (3, "not valid CSV: unexpected end of data")


def test_csv_without_a_title_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"a\.csv: no column is called a title or an abstract; they are 'x', 'y'"):
        collect(write(tmp_path, "a.csv", "x,y\n1,2\n"))


def test_csv_without_a_header(tmp_path: Path) -> None:
    """As OpenReview's documented export has it."""
    path = write(tmp_path, "a.csv", 'n1,Owls,"They see"\nn2,Bats,\n')
    with pytest.raises(PaperError, match="by their numbers: --field title=2"):
        collect(path)
    papers, rejected = collect(path, id="1", title="2", abstract="3")
    assert [(paper.id, paper.title, paper.abstract) for paper in papers] == [
        ("n1", "Owls", "They see"),
        ("n2", "Bats", None),
    ]
    assert rejected == []


def test_the_hosts_limit_on_fields_of_csv(tmp_path: Path) -> None:
    before = csv.field_size_limit(10)
    try:
        [paper], _ = collect(write(tmp_path, "a.csv", f"title,abstract\nOwls,{'x' * 1000}\n"))
        assert paper.abstract == "x" * 1000
        assert csv.field_size_limit() == 10
        csv.field_size_limit(2**31 - 1)
        _, [rejected] = collect(write(tmp_path, "a.csv", f"title,abstract\nOwls,{'x' * 500_000}\n"))
        assert "field larger than field limit" in rejected.reason
    finally:
        csv.field_size_limit(before)


def test_a_date_that_python_does_not_have(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    days = pyarrow.array([0, 10**18], pyarrow.timestamp("us"))
    nested = pyarrow.array([[0], [10**18]], pyarrow.list_(pyarrow.timestamp("us")))
    parquet.write_table(pyarrow.table({"title": ["Owls", "Bats"], "day": days}), tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"title": ["Owls", "Bats"], "days": nested}), tmp_path / "b.parquet")
    papers, rejected = collect(tmp_path / "a.parquet")
    assert [paper.metadata["day"][:19] for paper in papers] == ["1970-01-01T00:00:00", "<value out of range"]
    assert rejected == []
    [paper], [rejection] = collect(tmp_path / "b.parquet")
    assert (paper.title, rejection.line) == ("Owls", 2)
    assert rejection.reason.startswith("days cannot be read")


def test_pubmed_cut_or_malformed(tmp_path: Path) -> None:
    whole = (DATA / "pubmed.xml").read_text(encoding="utf-8")
    papers, rejected = collect(write(tmp_path, "cut.xml", whole[: whole.index("<ArticleTitle book")]))
    assert [paper.id for paper in papers] == ["29456894", "2"]
    assert rejected[-1].line > 47
    assert "not valid XML from here on" in rejected[-1].reason
    broken = whole.replace('<PMID Version="1">3</PMID>', "<PMID>3</Article>")
    assert [paper.id for paper in collect(write(tmp_path, "broken.xml", broken))[0]] == ["29456894", "2"]
    lost = whole.replace("MedlineCitation", "Citation")
    assert "without a MedlineCitation" in collect(write(tmp_path, "lost.xml", lost))[1][0].reason


BOMB = '<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'


@pytest.mark.parametrize(
    "declarations",
    [
        BOMB,
        '<!ENTITY b SYSTEM "file:///etc/passwd">',
        '<!ENTITY b SYSTEM "http://127.0.0.1:1/x">',
        '<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;',
    ],
)
@pytest.mark.parametrize("where", ["<ArticleTitle/>", "<none/>"])
def test_xml_that_declares_entities_is_refused(tmp_path: Path, declarations: str, where: str) -> None:
    whole = (DATA / "pubmed.xml").read_text(encoding="utf-8")
    attack = whole.replace('pubmed_250101.dtd">', f'pubmed_250101.dtd" [{declarations}]>').replace(
        where, "<ArticleTitle>&b;</ArticleTitle>"
    )
    path = write(tmp_path, "attack.xml", attack)
    with pytest.raises(PaperError, match="declares XML entities") as refusal:
        collect(path)
    assert "root:" not in str(refusal.value)


def test_xml_citation_is_bounded(tmp_path: Path) -> None:
    filler = "<Filler>" + "a" * 1000 + "</Filler>"
    content = "<PubmedArticleSet>" + filler * (2 * MAX_RECORD // len(filler)) + "</PubmedArticleSet>"
    _, [rejected] = collect(write(tmp_path, "a.xml", content))
    assert "longer than 16 MiB; the rest of the file is not read" in rejected.reason


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": [1, 2], "title": ["A", None]}), tmp_path / "a.parquet")
    papers, rejected = collect(tmp_path / "a.parquet")
    assert [paper.id for paper in papers] == ["1"]
    assert [(reject.line, reject.id) for reject in rejected] == [(2, "2")]
    with pytest.raises(PaperError, match=r"a\.parquet has no column 'name' for title; its columns are id, title"):
        collect(tmp_path / "a.parquet", title="name")
    whole = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(PaperError, match="not valid Parquet"):
        collect(write(tmp_path, "cut.parquet", whole[:-20]))


def test_rejected_says_where() -> None:
    assert str(Rejected("a.bib", 3, "key", "why")) == "a.bib:3 (key): why"
    assert str(Rejected("a.bib", 3, None, "why")) == "a.bib:3: why"


def test_a_record_without_text_keeps_its_name(tmp_path: Path) -> None:
    _, rejected = collect(write(tmp_path, "papers.jsonl", '{"title": "good"}\n{"id": 7, "venue": "SIGIR"}\n'))
    assert [(reject.line, reject.id) for reject in rejected] == [(2, "7")]


def test_bytes_of_parquet_are_texts_where_they_can_be(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    blob = pyarrow.binary()
    columns = {
        "title": pyarrow.array(["Ü".encode(), b"\xff", b"Bees"], blob),
        "authors": pyarrow.array([[b"Ann Lee"], [], []], pyarrow.list_(blob)),
        "picture": pyarrow.array([b"\x89PNG\xff", b"", None], blob),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    papers, [rejected] = collect(tmp_path / "a.parquet")
    assert [paper.title for paper in papers] == ["Ü", "Bees"]
    assert papers[0].metadata["authors"] == ["Ann Lee"]
    assert "picture" not in papers[0].metadata
    assert (rejected.line, "not UTF-8" in rejected.reason) == (2, True)


def test_rows_and_citations_mind_no_limit_of_the_hosts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("citing,cited\n" + "a" * 200_000 + ",b\n")
    before = csv.field_size_limit(10)
    try:
        assert len(list(read_file(file))) == 1
        assert csv.field_size_limit() == 10
    finally:
        csv.field_size_limit(before)
