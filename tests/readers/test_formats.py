"""What becomes of each format's records. The files in data/ follow the providers' documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from specter2_plugins import Paper
from specter2_plugins.readers import FORMATS

from .helpers import DATA, collect, write


def test_bibtex() -> None:
    papers, rejected = collect(DATA / "library.bib")
    assert papers == [
        Paper(
            title="The Importance of Interaction for R&D",
            abstract="Gains of 10% over k-best Über-baselines at $5 and $6. @ the start of a line, and braces.",
            id="croft2019",
            metadata={
                "type": "inproceedings",
                "year": 2019,
                "venue": "Proceedings of SIGIR, July",
                "authors": ["W. Bruce Croft", "Angél García"],
                "keywords": ["user interaction", "answer retrieval"],
                "doi": "10.1145/3331184.3331185",
            },
        ),
        Paper("A title alone", id="only_title", metadata={"type": "article", "venue": "TOIS"}),
    ]
    assert [(reject.id, reject.line) for reject in rejected] == [("nothing", 15)]


def test_ris() -> None:
    first, second = collect(DATA / "library.ris")[0]
    assert first == Paper(
        "The state of Open Access",
        "Despite growing interest in Open Access.",
        id="okafor2018",
        metadata={
            "type": "JOUR",
            "year": 2018,
            "venue": "PeerJ",
            "authors": ["Heather Piwowar", "Jason Priem"],
            "keywords": ["citation", "open access"],
            "doi": "10.7717/peerj.4375",
            "url": "https://peerj.com/articles/4375",
            "start_page": "1",
            "end_page": "23",
        },
    )
    assert (second.title, second.id, second.metadata["venue"], second.metadata["year"]) == (
        "A second paper",
        "42",
        "SIGIR",
        1999,
    )


def test_pubmed() -> None:
    papers, rejected = collect(DATA / "pubmed.xml")
    assert papers[0] == Paper(
        "Growth of Escherichia coli at CO2 < 5%.",
        "BACKGROUND: Bacteria grow. METHODS: We measured x=1. R&D matters.",
        id="29456894",
        metadata={
            "year": 2018,
            "venue": "PeerJ",
            "authors": ["Heather Piwowar", "A Müller", "The OA Group"],
            "fields": ["Escherichia coli", "Carbon Dioxide"],
            "keywords": ["Open access"],
            "doi": "10.7717/peerj.4375",
            "url": "https://pubmed.ncbi.nlm.nih.gov/29456894/",
            "type": "Journal Article",
            "publicationtypes": ["Journal Article", "Review"],
            "language": "eng",
            "pmcid": "PMC5815332",
        },
    )
    assert (papers[1].title, papers[1].metadata["year"]) == ("[An untranslated title].", 1975)
    assert (papers[2].title, papers[2].abstract, papers[2].metadata["venue"]) == (
        "A gene",
        "What it does.",
        "GeneReviews",
    )
    assert [reject.id for reject in rejected] == ["3", "5", "6"]
    assert rejected[0].line == 47
    assert "asks to delete it" in rejected[1].reason


def test_arxiv() -> None:
    first, second = collect(DATA / "arxiv.jsonl")[0]
    assert first.title == "Calculation of prompt diphoton production cross sections at Tevatron and LHC energies"
    assert first.abstract is not None
    assert first.abstract.endswith("including all orders \N{GREEK SMALL LETTER ALPHA}_s^3 terms.")
    assert first.id == "0704.0001"
    assert first.metadata == {
        "year": 2007,
        "venue": "arXiv",
        "authors": ["C. Balázs", "E. L. Berger", "P. M. Nadolsky", "C. -P. Yuan"],
        "fields": ["hep-ph"],
        "doi": "10.1103/physrevd.76.013009",
        "url": "https://arxiv.org/abs/0704.0001",
        "submitter": "Pavel Nadolsky",
        "comments": "37 pages, 15 figures; published version",
        "journal-ref": "Phys.Rev.D76:013009,2007",
        "report-no": "ANL-HEP-PR-07-12",
        "update_date": "2008-11-26",
    }
    assert (second.title, second.abstract) == ("On k-trees", "We study (k,\N{SCRIPT SMALL L})-pebble games & more.")
    assert second.metadata["authors"] == ["A. Author Jr."]
    assert second.metadata["fields"] == ["math.CO", "cs.DM"]


def test_openalex() -> None:
    papers, rejected = collect(DATA / "openalex.jsonl")
    assert papers[0].id == "W2741809807"
    assert papers[0].abstract == "Despite growing interest in Open Access (OA) to in scholarly literature"
    assert papers[0].metadata == {
        "year": 2018,
        "venue": "PeerJ",
        "authors": ["Heather Piwowar", "Jason Priem"],
        "fields": [
            "Decision Sciences",
            "Statistics, Probability and Uncertainty",
            "scientometrics and bibliometrics research",
        ],
        "keywords": ["Citation"],
        "doi": "10.7717/peerj.4375",
        "url": "https://doi.org/10.7717/peerj.4375",
        "type": "article",
        "publication_date": "2018-02-13",
        "language": "en",
        "cited_by_count": 910,
        "is_retracted": False,
    }
    assert papers[1].metadata == {
        "year": 1999,
        "venue": "Old Journal",
        "fields": ["Biology", "Ecology"],
        "url": "https://openalex.org/W1",
    }
    assert [(reject.line, reject.id) for reject in rejected] == [(3, "W2")]


def test_pages_of_apis() -> None:
    assert [paper.id for paper in collect(DATA / "openalex_api.json")[0]] == ["W10", "W11"]
    first, second = collect(DATA / "s2_api.json")[0]
    assert (first.id, first.abstract) == ("3303339", "We describe a deployed scalable system.")
    assert first.metadata["doi"] == "10.18653/v1/n18-3011"
    assert (second.id, second.metadata) == ("aaa", {"fields": ["Biology"]})


def test_semantic_scholar_dataset() -> None:
    first, second = collect(DATA / "s2_papers.jsonl")[0]
    assert first.id == "237313618"
    assert first.metadata == {
        "year": 2020,
        "venue": "ACL",
        "authors": ["Arman Cohan", "Sergey Feldman"],
        "fields": ["Computer Science"],
        "doi": "10.18653/v1/2020.acl-main.207",
        "url": "https://www.semanticscholar.org/paper/abc",
        "type": "JournalArticle",
        "publicationtypes": ["JournalArticle", "Conference"],
        "publicationdate": "2020-04-15",
        "publicationvenueid": "1e33b3be",
        "arxiv": "2004.07180",
        "referencecount": 41,
        "citationcount": 500,
        "influentialcitationcount": 80,
        "isopenaccess": True,
    }
    assert second.metadata["venue"] == "J. Test"


def test_beir() -> None:
    first, second = collect(DATA / "beir.jsonl")[0]
    assert first.id == "MED-10"
    assert first.metadata == {"url": "http://www.ncbi.nlm.nih.gov/pubmed/25329299"}
    assert second == Paper(None, "A passage without a title.", id="doc2")


def test_scirepeval(tmp_path: Path) -> None:
    search = write(
        tmp_path,
        "search.jsonl",
        '{"query": "utility", "session_id": 1, "candidates": [{"corpus_id": 7, "title": "A", "abstract": null, '
        '"venue": "V", "year": 1964.0, "author_names": ["G M Becker"], "score": 1}, {"corpus_id": 8, "title": "B"}]}\n',
    )
    assert collect(search)[0] == [
        Paper("A", id="7", metadata={"venue": "V", "year": 1964, "authors": ["G M Becker"], "score": 1}),
        Paper("B", id="8"),
    ]
    triplets = write(
        tmp_path,
        "triplets.json",
        '[{"query": {"title": "Q", "corpus_id": 1}, "pos": {"title": "P"}, "neg": {"title": "N"}}]',
    )
    assert [paper.title for paper in collect(triplets)[0]] == ["Q", "P", "N"]


def test_scopus_csv() -> None:
    first, second = collect(DATA / "scopus.csv")[0]
    assert first == Paper(
        "A title, with commas",
        'An abstract over "two" lines',
        id="2-s2.0-1",
        metadata={
            "year": 2019,
            "venue": "J. Test",
            "authors": ["J. Doe", "R. Roe"],
            "doi": "10.1000/abc",
            "url": "https://x.org/1",
            "keywords": ["kw one", "kw two"],
            "type": "Article",
        },
    )
    assert second.id == "2-s2.0-2"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["id", "title", "abstract"], ["1", '"A; title, with | all"', "Text"]]
    path = write(tmp_path, "papers.txt", "\n".join(delimiter.join(row) for row in rows))
    assert collect(path)[0] == [Paper("A; title, with | all", "Text", id="1")]


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from datetime import date

    from pyarrow import parquet

    table = pyarrow.table(
        {
            "corpusid": [1, 2],
            "title": ["One", None],
            "abstract": [None, "Two"],
            "date": [date(2020, 5, 1), None],
            "score": [0.5, float("nan")],
            "embedding": [[0.1, 0.2], [0.3, 0.4]],
            "authors": [["Lovelace, Ada"], []],
        }
    )
    parquet.write_table(table, tmp_path / "papers.parquet", row_group_size=1)
    assert collect(tmp_path / "papers.parquet")[0] == [
        Paper(
            "One",
            id="1",
            metadata={"year": 2020, "date": "2020-05-01", "score": 0.5, "authors": ["Ada Lovelace"]},
        ),
        Paper(None, "Two", id="2"),
    ]


@pytest.mark.parametrize("provider", ["arxiv", "openalex"])
def test_a_provider_can_be_named(provider: str) -> None:
    assert collect(DATA / f"{provider}.jsonl", provider) == collect(DATA / f"{provider}.jsonl")


def test_every_format_has_a_test_file() -> None:
    """So that the fuzz tests, which mutate the files, meet every reader."""
    endings = {path.suffix for path in DATA.iterdir()} | {".parquet", ".xlsx", ".sqlite"}
    assert all(endings & set(format.extensions) for format in FORMATS.values() if format.extensions)
