"""What exports get wrong, kind by kind: each input has one trait of a real one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import Paper, PaperError
from specter2_plugins.readers import ReadingProgress, read_papers, read_records
from specter2_plugins.readers.ids import doi, identifier
from specter2_plugins.readers.markup import bibtex_text, plain_text
from specter2_plugins.readers.people import names
from specter2_plugins.readers.placeholders import is_placeholder

from .helpers import DATA, collect, spreadsheet, write


def one(folder: Path, name: str, content: str | bytes) -> Paper:
    """The only paper of a file, of which nothing is rejected."""
    papers, rejected = collect(write(folder, name, content))
    assert rejected == []
    (paper,) = papers
    return paper


OWLS = {
    "savedrecs.ciw": "WOS:000000000000001",
    "pubmed.nbib": "101",
    "export.enw": "10.1000/owl.1",
    "export.refworks": "10.1000/owl.1",
    "endnote.xml": "10.1000/owl.1",
    "arxiv_atom.xml": "2001.00001",
    "arxiv_rss.xml": "2001.00001",
    "arxiv_oai.xml": "0704.0001",
    "jats.xml": "101",
    "grobid.tei.xml": "10.1000/owl.1",
    "dblp.xml": "journals/owl/N19",
    "mods.xml": "10.1000/owl.1",
    "refworks.xml": "10.1000/owl.1",
    "crossref.json": "10.1000/owl.1",
    "datacite.json": "10.5281/owl.1",
    "csl.json": "http://zotero.org/users/1/items/AB12CD34",
    "better_bibtex.json": "noctua2019",
}


@pytest.mark.parametrize(("name", "id"), OWLS.items())
def test_every_format_gives_the_owls(name: str, id: str) -> None:
    paper = collect(DATA / name)[0][0]
    assert paper.id == id
    assert (paper.title or "").startswith("Owls")
    assert paper.metadata["year"] in (2007, 2019, 2020)
    assert paper.metadata["authors"][0] in (
        *("Athene Noctua", "Jürgen Noctua", "C. Balázs", "Jan van den Berg", "Athene B Noctua"),
    )
    if name != "dblp.xml":
        assert "They see" in (paper.abstract or "")
        assert "picture" not in (paper.abstract or "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><style>\n@media {x}\n</style></html>", "a web page"),
        (b"\n<html lang='en'><body>Sign in</body></html>", "a web page"),
        (b"%PDF-1.7 x", "a PDF"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an old Office file"),
        (b"<?xml version='1.0'?><svg><g/></svg>", "<svg>"),
        (b"{\\rtf1 x}", "a Rich Text document"),
    ],
)
@pytest.mark.parametrize("name", ["papers.bib", "papers.ris", "papers.xml", "papers"])
def test_what_is_no_file_of_papers_says_what_it_is(tmp_path: Path, content: bytes, what: str, name: str) -> None:
    with pytest.raises(PaperError, match=what):
        collect(write(tmp_path, name, content))


@pytest.mark.parametrize("name", ["a.bib", "a.ris", "a.nbib", "a.enw"])
def test_a_file_that_gives_nothing_is_rejected(tmp_path: Path, name: str) -> None:
    papers, [rejected] = collect(write(tmp_path, name, "hello world, these are words\n"))
    assert papers == []
    assert "it begins with 'hello world" in rejected.reason


def test_a_spreadsheet_that_is_none_says_so(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pytest.raises(PaperError, match=r"spreadsheet.*Save it as CSV"):
        collect(write(tmp_path, "a.xlsx", b"PK\x03\x04"))


def test_spreadsheets_are_read(tmp_path: Path) -> None:
    rows = [["Exported today"], ["Article Title", "Abstract", "Publication Year"], ["Owls", "They see", 2019], [None]]
    paper = one(tmp_path, "a.xlsx", spreadsheet(rows))
    assert (paper.title, paper.abstract, paper.metadata["year"]) == ("Owls", "They see", 2019)


def test_zoteros_data_base_is_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "zotero.sqlite") as database:
        database.executescript("""
            create table libraries(a); create table items(itemID, itemTypeID, key); create table deletedItems(itemID);
            create table itemTypes(itemTypeID, typeName); create table fields(fieldID, fieldName);
            create table itemData(itemID, fieldID, valueID); create table itemDataValues(valueID, value);
            create table creators(creatorID, firstName, lastName); create table tags(tagID, name);
            create table creatorTypes(creatorTypeID, creatorType); create table itemTags(itemID, tagID);
            create table itemCreators(itemID, creatorID, creatorTypeID, orderIndex);
            insert into itemTypes values (1, 'journalArticle'), (2, 'attachment');
            insert into items values (1, 1, 'AB12CD34'), (2, 2, 'X'), (3, 1, 'Y'); insert into deletedItems values (3);
            insert into fields values (1, 'title'), (2, 'abstractNote');
            insert into itemData values (1, 1, 1), (1, 2, 2), (3, 1, 1);
            insert into itemDataValues values (1, 'Owls'), (2, 'They see');
            insert into creators values (1, 'Athene', 'Noctua'); insert into creatorTypes values (1, 'author');
            insert into itemCreators values (1, 1, 1, 0);
        """)
    database.close()
    papers, _ = collect(tmp_path / "zotero.sqlite")
    assert [(paper.id, paper.title, paper.abstract) for paper in papers] == [("AB12CD34", "Owls", "They see")]
    assert papers[0].metadata["authors"] == ["Athene Noctua"]


def test_ris_with_one_space_and_without_type(tmp_path: Path) -> None:
    assert one(tmp_path, "a.ris", "TY - JOUR\nTI - Owls\nAB - They see.\nER -\n").abstract == "They see."
    assert one(tmp_path, "b.ris", "TI  - Owls\nAU  - Noctua, A.\nER  - \n").metadata["authors"] == ["A. Noctua"]


@pytest.mark.parametrize(
    ("lines", "id"),
    [
        ("ID  - 17\nDO  - 10.1000/OWL.1", "10.1000/owl.1"),
        ("ID  - 17", None),
        ("AN  - WOS:0001\nID  - 3", "WOS:0001"),
        ("ID  - noctua2019\nDO  - 10.1000/OWL.1", "noctua2019"),
        ("L3  - 10.1000/owl.1", "10.1000/owl.1"),
        ("UR  - https://doi.org/10.1000/owl.1", "10.1000/owl.1"),
    ],
)
def test_a_record_number_is_no_id(tmp_path: Path, lines: str, id: str | None) -> None:
    assert one(tmp_path, "a.ris", f"TY  - JOUR\nTI  - Owls\n{lines}\nER  - \n").id == id


@pytest.mark.parametrize(
    "spelled",
    [
        *(
            "10.1000/OWL_1",
            "https://doi.org/10.1000/owl_1",
            "doi:10.1000/Owl_1",
            "DOI 10.1000/owl_1.",
            "(10.1000/owl_1)",
        ),
        *("http://dx.doi.org/10.1000%2Fowl_1", r"10.1000/owl\_1", r"10.1000/owl{\_}1", "10.1000/owl_1 [doi]"),
    ],
)
def test_a_doi_has_one_spelling(spelled: str) -> None:
    assert doi(spelled) == "10.1000/owl_1"
    assert identifier(spelled) == "10.1000/owl_1" or "\\" in spelled


@pytest.mark.parametrize(
    "text",
    [
        *(
            "NA",
            "N/A",
            "n.a.",
            "nan",
            "NaN",
            "None",
            "null",
            "-",
            "—",
            "...",
            "#N/A",
            "<NA>",
            "[No abstract available]",
        ),
        *("Abstract not available", "No abstract available.", "There is no abstract available.", "[Not Available]."),
        *("No author name available", "Abstract: N/A", "not provided", "Abstract is not available for this article."),
    ],
)
def test_placeholders_are_nothing(tmp_path: Path, text: str) -> None:
    assert is_placeholder(text)
    record = {"id": text, "title": "Owls", "abstract": text, "venue": text, "authors": [text], "doi": text}
    assert one(tmp_path, "a.jsonl", json.dumps(record)) == Paper("Owls")


@pytest.mark.parametrize(
    "text",
    [
        *("Nan Goldin: a life", "None of the above", "Missing data", "The null hypothesis", "Abstract data types", "A"),
        *("Not available to all: access to medicines", "Title IX", "Information not given: incomplete"),
    ],
)
def test_words_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (r"{\textless}i{\textgreater}Athene{\textless}/i{\textgreater} (p {\textless} 0.05)", "Athene (p < 0.05)"),
        (r"$<$i$>$E. coli$<$/i$>$", "E. coli"),
        (r"\texttt{OwlNet}, \mbox{NOx}, \textsf{Pellet}, \textup{situ}", "OwlNet, NOx, Pellet, situ"),
        (r"\url{https://owls.org/a_b} \href{http://x}{here}", "https://owls.org/a_b here"),
        (r"\pounds{} {\S}3 {\copyright} A{\textbar}B \ddag \euro", "£ §3 © A|B ‡€".replace("‡€", "‡ €")),
        (r"Nguy{\~{\^e}}n T{\uhorn} \h{a} \textcommabelow{s}", "Nguyễn Tư ả ș"),
        (r"Radix-2\(^{\mbox{k}}\) and e\(^{\mbox{2}}\)", "Radix-2^k and e^2"),
        (r"\unknown{keeps} \its{arguments}", "keeps arguments"),
        (r"\textsuperscript{th} \textsubscript{2} \ce{H2O}", "th 2 H2O"),
        (r"Fig.~1 of \url{https://a.b/~c}", "Fig. 1 of https://a.b/~c"),
        (r"\begin{itemize}\item one \item two\end{itemize}", "one two"),
        (r"{\color{red} warning}\label{x} in~\ref{fig:1}", "warning in"),
        (r"\unknown[option]{word} \verb|some code| \ldots and", "word some code … and"),
        (r"$\sim$5 to $<$6, or \$5 and $10 each", "∼5 to <6, or $5 and $10 each"),  # noqa: RUF001
        (r"$\mathcal{O}(n \log n)$", "\N{MATHEMATICAL SCRIPT CAPITAL O}(n log n)"),
    ],
)
def test_latex_keeps_its_words(field: str, expected: str) -> None:
    assert " ".join(bibtex_text(field).split()).replace("‡€", "‡ €") == expected
    assert isinstance(plain_text(field), str)


def test_bibtex_inherits(tmp_path: Path) -> None:
    content = """
        @inproceedings{child, title = {A Child}, crossref = {parent}}
        @article{other, title = {Another}, xdata = {shared}}
        @xdata{shared, year = 2001, journaltitle = {J. Owls}}
        @proceedings{parent, title = {Proc. Owls}, year = 2019}
    """
    papers, rejected = collect(write(tmp_path, "a.bib", content))
    assert rejected == []
    assert [(paper.id, paper.metadata["year"], paper.metadata.get("venue")) for paper in papers] == [
        ("child", 2019, "Proc. Owls"),
        ("other", 2001, "J. Owls"),
        ("parent", 2019, None),
    ]


def test_bibtex_without_key_comma_or_and(tmp_path: Path) -> None:
    content = (
        "@misc{title = {Owls}, author = {Noctua, A., Strix, B.}}\n@misc{k, title = {Bats}\n year = 2001\n month = jan}"
    )
    papers, rejected = collect(write(tmp_path, "a.bib", content))
    assert rejected == []
    assert [(paper.id, paper.title) for paper in papers] == [(None, "Owls"), ("k", "Bats")]
    assert papers[0].metadata["authors"] == ["A. Noctua", "B. Strix"]
    assert papers[1].metadata["year"] == 2001


def test_biblatex(tmp_path: Path) -> None:
    entry = "@article{b, author = {family=Noctua, given=Athene, prefix=von}, title = {Owls}, subtitle = {A Study}}"
    paper = one(tmp_path, "a.bib", entry)
    assert (paper.title, paper.metadata["authors"]) == ("Owls: A Study", ["Athene von Noctua"])


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Document Title,Abstract", "Owls,x", {"title": "Owls"}),
        ("Article Title,UT (Unique WOS ID)", "Owls,WOS:1", {"id": "WOS:1"}),
        ("cord_uid,title,publish_time", "ab12cd34,Owls,2001-07-04", {"id": "ab12cd34", "year": 2001}),
        ("title,Published Year", "Owls,2001.0", {"year": 2001}),
        ("Covidence #,Title,Journal,Published Year", "#1,Owls,J. Owls,2001", {"id": None, "venue": "J. Owls"}),
        (
            "id,display_name,authorships.author.display_name,primary_location.source.display_name,"
            "abstract_inverted_index",
            'https://openalex.org/W1,Owls,Athene Noctua|Bubo Strix,J. Owls,"{""They"": [0], ""see"": [1]}"',
            {"id": "W1", "abstract": "They see", "authors": ["Athene Noctua", "Bubo Strix"], "venue": "J. Owls"},
        ),
        ("PT\tAU\tAF\tTI\tSO\tID\tUT", "J\tNoctua, A\tNoctua, Athene\tOwls\tJ\tSEEING\tWOS:1", {"id": "WOS:1"}),
    ],
)
def test_headers_of_providers(tmp_path: Path, header: str, row: str, expected: dict[str, Any]) -> None:
    paper = one(tmp_path, "a.csv", f"{header}\n{row}\n")
    seen = {"id": paper.id, "title": paper.title, "abstract": paper.abstract, **paper.metadata}
    assert {name: seen.get(name) for name in expected} == expected


def test_a_preamble_and_repeated_columns(tmp_path: Path) -> None:
    preamble = '"About the data: Exported on Jan 01, 2020."\nRank,Title,Note,Note\n1,Owls,a,b\n'
    assert one(tmp_path, "dimensions.csv", preamble).metadata == {"Rank": "1", "Note": "a", "Note (2)": "b"}


def test_long_fields_that_are_not_used_are_named(tmp_path: Path) -> None:
    progress = ReadingProgress()
    path = write(tmp_path, "a.csv", "title,Abstract_EN\nOwls," + "They see. " * 40 + "\n")
    assert len(list(read_records(path, progress=progress))) == 1
    assert progress.notes == [f"{path}: not used: Abstract_EN (1 records)"]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ("Athene Noctua, Bubo Strix and Tyto Alba", ["Athene Noctua", "Bubo Strix", "Tyto Alba"]),
        ("Noctua, A., Strix, B., & Alba, T.", ["A. Noctua", "B. Strix", "T. Alba"]),
        ("['Athene Noctua', 'Bubo Strix']", ["Athene Noctua", "Bubo Strix"]),
        ("['Athene Noctua' 'Bubo Strix']", ["Athene Noctua", "Bubo Strix"]),
        ("van den Berg, J., de Vries, K.", ["J. van den Berg", "K. de Vries"]),
        ("Noctua A, Strix BC", ["A Noctua", "BC Strix"]),
        ("Noctua, Athene and others", ["Athene Noctua"]),
        ("Noctua, A. et al.", ["A. Noctua"]),
        ("Noctua, Athene (0000-0002-1825-0097); Strix, Bubo", ["Athene Noctua", "Bubo Strix"]),
        ("WHO, UNICEF, FAO", ["WHO", "UNICEF", "FAO"]),
        (["King, Jr., Martin Luther"], ["Martin Luther King Jr."]),
        ("King, Martin Luther Jr.; Noctua, A.", ["Martin Luther King Jr.", "A. Noctua"]),
        ("NOCTUA A; STRIX B", ["A NOCTUA", "B STRIX"]),
        ("Athene Noctua1,2, Bubo Strix2", ["Athene Noctua", "Bubo Strix"]),
        ("and Athene Noctua", ["Athene Noctua"]),
        ("李明, 王芳", ["李明", "王芳"]),
        ("李明、王芳", ["李明", "王芳"]),
        ({"author": [{"text": "Athene Noctua 0001"}]}, ["Athene Noctua"]),
        ([{"firstName": "Athene", "lastName": "Noctua"}], ["Athene Noctua"]),
        (
            [{"literal": "The Owl Group"}, {"family": "Berg", "non-dropping-particle": "van"}],
            ["The Owl Group", "van Berg"],
        ),
        ([["Noctua", "A.", ""]], ["A. Noctua"]),
    ],
)
def test_names(people: Any, expected: list[str]) -> None:
    assert names(people) == expected


TITLE = "Nächtliche Jäger \N{EN DASH} ein Überblick"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "mac_roman"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    assert one(tmp_path, "a.csv", f"title,b\n{TITLE},1\n".encode(encoding)).title == TITLE


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("Año del búho: niñez y evolución", "mac_roman"),
        ("Étude à minuit: évaluation d'été", "iso8859-15"),
        ("Ночное зрение сов: исследование", "cp1251"),
        ("Μελέτη της νυχτερινής όρασης", "cp1253"),
    ],
)
def test_encodings_of_other_languages_are_found(tmp_path: Path, title: str, encoding: str) -> None:
    assert one(tmp_path, "a.csv", f"title,b\n{title},1\n".encode(encoding)).title == title


def test_other_encodings(tmp_path: Path) -> None:
    chinese = "title,abstract\n猫头鹰,在夜间的捕猎行为研究\n"
    assert one(tmp_path, "a.csv", chinese.encode("gb18030")).title == "猫头鹰"
    declared = "% Encoding: windows-1252\n\n@Article{k, title = {Löwen bei 25°C}}\n"
    assert one(tmp_path, "a.bib", declared.encode("cp1252")).title == "Löwen bei 25°C"
    assert one(tmp_path, "b.bib", declared.encode()).title == "Löwen bei 25°C"
    path = write(tmp_path, "c.bib", b"@article{k, title={L\xf6wen}}")
    assert [paper.title for paper in read_papers(path, encoding="cp1252")] == ["Löwen"]
    with pytest.raises(PaperError, match="encoding is 'cp0', which Python does not know"):
        read_papers(path, encoding="cp0")


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined", "rot13", "zlib", "base64", "\x1b[2J", ""])
def test_encodings_that_are_none(tmp_path: Path, encoding: str) -> None:
    content = b"@article{k, title={L\xf6wen bei Nacht und die \xdcbrigen}}"
    with pytest.raises(PaperError, match="which Python does not know"):
        read_papers(write(tmp_path, "c.bib", content), encoding=encoding)
    declared = f"% Encoding: {encoding}\n".encode() + content
    assert [paper.title for paper in read_papers(write(tmp_path, "d.bib", declared))] == [
        "Löwen bei Nacht und die Übrigen"
    ]


def test_a_byte_that_fits_nowhere_rejects_its_record(tmp_path: Path) -> None:
    mixed = b"@article{a,title={L\xc3\xb6wen}}\n@article{b,title={L\xf6wen}}\n@article{c,title={\xc3\xa4}}\n"
    papers, [rejected] = collect(write(tmp_path, "a.bib", mixed))
    assert ([paper.id for paper in papers], rejected.id) == (["a", "c"], "b")
    xml = '<feed xmlns="http://www.w3.org/2005/Atom">' + "".join(
        f"<entry><id>{name}</id><title>{title}</title></entry>" for name, title in (("a", "Ö"), ("b", "?"), ("c", "ä"))
    )
    papers, [rejected] = collect(write(tmp_path, "a.xml", xml.encode().replace(b"?", b"\xff") + b"</feed>"))
    assert ([paper.id for paper in papers], rejected.id) == (["a", "c"], "b")


def test_mojibake_is_said(tmp_path: Path) -> None:
    progress = ReadingProgress()
    path = write(tmp_path, "a.csv", "title,b\nL\u00c3\u00b6wen,1\n")
    assert [record.title for record in read_records(path, progress=progress) if isinstance(record, Paper)] == ["LÃ¶wen"]
    assert "mojibake" in progress.notes[0]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("blank", [" ", "\t", "\n", " \n", "(", "1,", "<a", "a@", "* ", "orcid "], ids=repr)
def test_names_are_read_in_linear_time(blank: str) -> None:
    assert names(f"Noctua A.1{blank * 2000}9, B.")
