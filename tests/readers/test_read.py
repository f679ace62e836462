"""Finding formats, naming fields, and reporting each record that is no paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specter2_plugins import Paper, PaperError
from specter2_plugins.readers import Rejected, read_papers

from .helpers import DATA, collect, write

BIB = "@article{k, title={T}}"


@pytest.mark.parametrize("path", [path for path in DATA.iterdir() if path.suffix != ".tsv"], ids=lambda path: path.name)
def test_content_outweighs_a_wrong_extension(tmp_path: Path, path: Path) -> None:
    for name in ("papers.bib", "papers.jsonl", "papers"):
        assert collect(write(tmp_path, name, path.read_bytes()))[0] == collect(path)[0]


def test_the_extension_decides_where_content_does_not(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"papers\.csv has no column 'headline' for title; its columns are a, b"):
        collect(write(tmp_path, "papers.csv", "a,b\n1,2\n"), title="headline")
    assert collect(write(tmp_path, "papers.CSV", "name,b\nT,2\n"), title="name")[0][0].title == "T"


def test_unknown_content_and_extension(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"cannot tell the format of .*known formats: parquet, .*--format jsonl"):
        read_papers(write(tmp_path, "notes.txt", "hello"))


def test_unknown_format_name(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match="format is 'nbib', expected one of parquet, "):
        read_papers(write(tmp_path, "a.bib", BIB), format="nbib")


@pytest.mark.parametrize("name", ["empty.bib", "empty.jsonl", "empty.csv", "empty.xml", "empty"])
@pytest.mark.parametrize("content", ["", " \n\n"])
def test_empty_file_holds_no_papers(tmp_path: Path, name: str, content: str) -> None:
    assert collect(write(tmp_path, name, content)) == ([], [])


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    bom = "\N{ZERO WIDTH NO-BREAK SPACE}"
    for number, content in enumerate(('{"title": "T"}', "@article{k, title={T}}", "title,b\nT,1\n")):
        assert collect(write(tmp_path, f"{number}.txt", bom + content))[0][0].title == "T"


def test_fields_are_named_with_paths_into_objects(tmp_path: Path) -> None:
    record = {"dc:title": "T", "bib": {"summary": "A", "year": 2001}, "a.b": "10.1/x", "note": 1}
    path = write(tmp_path, "papers.jsonl", json.dumps(record))
    papers, rejected = collect(path, title="dc:title", abstract="bib.summary", year="bib.year", id="a.b")
    assert rejected == []
    assert papers == [
        Paper("T", "A", id="10.1/x", metadata={"year": 2001, "bib": {"summary": "A", "year": 2001}, "note": 1})
    ]


def test_fields_are_only_for_formats_that_have_free_names(tmp_path: Path) -> None:
    path = write(tmp_path, "a.bib", BIB)
    with pytest.raises(PaperError, match=r"a\.bib is bibtex, whose fields have fixed names"):
        read_papers(path, fields={"title": "booktitle"})
    with pytest.raises(PaperError, match="fields names 'heading', expected one of id, title, abstract, year"):
        read_papers(path, fields={"heading": "title"})


def test_unnamed_fields_say_which_keys_there_are(tmp_path: Path) -> None:
    _, [rejected] = collect(write(tmp_path, "papers.jsonl", '{"name": "T", "year": 1}'))
    assert rejected.reason.startswith("no title and no abstract among the keys 'name', 'year'. Name the right ones")


def test_known_names_are_found_in_any_spelling(tmp_path: Path) -> None:
    record = {
        "Article Title": "T",
        "abstract": None,
        "summary": "A",
        "DOI": "https://doi.org/10.1000/ABC",
        "Publication-Year": "2003",
        "Journal": {"name": "J"},
        "author": [{"given": "Ada", "family": "Lovelace"}, {"name": "Turing, Alan"}],
        "fieldsOfStudy": ["Biology", "Biology", None],
        "Keywords": "one, two",
        "extra": {"kept": [1]},
    }
    assert collect(write(tmp_path, "papers.jsonl", json.dumps(record)))[0] == [
        Paper(
            "T",
            "A",
            id="10.1000/abc",
            metadata={
                "extra": {"kept": [1]},
                "year": 2003,
                "venue": "J",
                "authors": ["Ada Lovelace", "Alan Turing"],
                "fields": ["Biology"],
                "doi": "10.1000/abc",
                "keywords": ["one", "two"],
            },
        )
    ]


def test_metadata_that_is_not_of_its_type_is_left_out(tmp_path: Path) -> None:
    record = {"title": "T", "year": "in press", "doi": "none", "authors": 5, "venue": [], "type": {"a": 1}, "x": 0}
    assert collect(write(tmp_path, "papers.jsonl", json.dumps(record)))[0] == [Paper("T", metadata={"x": 0})]


def test_bad_records_raise_unless_someone_listens(tmp_path: Path) -> None:
    path = write(tmp_path, "papers.jsonl", '{"title": "good"}\n{"title": 5}\n')
    papers = read_papers(path)
    assert next(papers).title == "good"
    with pytest.raises(PaperError, match=r"papers\.jsonl:2: paper: title is 5 \(int\)"):
        next(papers)


def test_an_error_of_the_listener_is_its_own(tmp_path: Path) -> None:
    """A full disk under the rejects file must not look like a source that cannot be read."""

    def listen(record: Rejected) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        list(read_papers(write(tmp_path, "papers.jsonl", "{}"), on_reject=listen))


def test_control_characters_become_spaces(tmp_path: Path) -> None:
    path = write(tmp_path, "papers.jsonl", '{"title": "red\\u001b[31m alert\\u0000", "venue": "a\\u0007b"}')
    assert collect(path)[0] == [Paper("red [31m alert", metadata={"venue": "a b"})]
