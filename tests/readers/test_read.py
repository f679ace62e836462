"""Every reader on good, malformed and misnamed files."""

from __future__ import annotations

from pathlib import Path

import pytest

from specter2_plugins import Paper, PaperError
from specter2_plugins.readers import Rejected, read_papers

BIB = r"""
% Encoding: UTF-8
@string{sigir = "Proceedings of SIGIR"}
@inproceedings{croft2019,
  author = {Croft, W. Bruce and Ang{\'e}l Garc{\'\i}a},
  title = {The Importance of {Interaction} for R\&D},
  year = {2019},
  booktitle = sigir,
  doi = {10.1145/3331184.3331185},
  keywords = {user interaction, answer retrieval},
  abstract = {Gains of 10% over $k$-best {\"U}ber-baselines at $5 and $6.}
}
@article{only_title, title = "A title alone", journal = {TOIS}}
@misc{nothing, year = 1999}
"""


def collect(path: Path, format: str | None = None) -> tuple[list[Paper], list[Rejected]]:
    rejected: list[Rejected] = []
    return list(read_papers(path, format, rejected.append)), rejected


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_bibtex_fields_and_markup(tmp_path: Path) -> None:
    papers, rejected = collect(write(tmp_path, "library.bib", BIB))
    assert papers[0] == Paper(
        title="The Importance of Interaction for R&D",
        abstract="Gains of 10% over k-best Über-baselines at $5 and $6.",
        id="croft2019",
        metadata={
            "type": "inproceedings",
            "year": 2019,
            "venue": "Proceedings of SIGIR",
            "authors": ["W. Bruce Croft", "Angél García"],
            "keywords": ["user interaction", "answer retrieval"],
            "doi": "10.1145/3331184.3331185",
        },
    )
    assert (papers[1].id, papers[1].title, papers[1].abstract) == ("only_title", "A title alone", None)
    assert [(reject.id, reject.line) for reject in rejected] == [("nothing", 14)]


def test_bibtex_cut_in_the_middle_keeps_what_is_whole(tmp_path: Path) -> None:
    cut = BIB[: BIB.index("TOIS")]
    papers, rejected = collect(write(tmp_path, "cut.bib", cut))
    assert [paper.id for paper in papers] == ["croft2019"]
    assert rejected == [
        Rejected(str(tmp_path / "cut.bib"), 13, "only_title", "not valid BibTeX: the entry is malformed or cut off")
    ]


def test_bibtex_that_is_not_utf8_names_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "latin.bib", "@article{a, title={Käse}}".encode("latin-1"))
    with pytest.raises(PaperError, match=r"latin\.bib is not UTF-8 \(byte \d+\)\. Convert it"):
        list(read_papers(path))


def test_bibtex_repeated_keys_are_all_read(tmp_path: Path) -> None:
    path = write(tmp_path, "twice.bib", "@article{a, title={One}}\n@article{a, title={Two}}")
    assert [paper.title for paper in collect(path)[0]] == ["One", "Two"]


def test_jsonl_fields(tmp_path: Path) -> None:
    lines = (
        '{"corpus_id": 7, "title": "T", "abstract": "A\\n b", "year": 1999}\n\n{"_id": "x", "title": "", "text": "B"}\n'
    )
    papers, rejected = collect(write(tmp_path, "papers.jsonl", lines))
    assert papers == [
        Paper("T", "A b", id="7", metadata={"year": 1999}),
        Paper(None, "B", id="x"),
    ]
    assert rejected == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"title": 5}', "title is 5 (int), expected a string or None"),
        ('{"title": ["a"]}', "title is ['a'] (list)"),
        ('{"id": "p", "title": null, "abstract": " "}', "neither title nor abstract holds any text"),
        ('{"title": "cut', "not valid JSON"),
        ('{"title": NaN}', "not valid JSON"),
        ('{"title": "\\ud800"}', "not valid JSON"),
        ("[1, 2]", "expected a JSON object, got list"),
        ("{}", "neither title nor abstract"),
    ],
)
def test_jsonl_bad_record_is_named_and_the_rest_read(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, "papers.jsonl", f'{{"title": "good"}}\n{line}\n{{"title": "also good"}}\n')
    papers, rejected = collect(path)
    assert [paper.title for paper in papers] == ["good", "also good"]
    assert [reject.line for reject in rejected] == [2]
    assert reason in rejected[0].reason
    with pytest.raises(PaperError, match=r"papers\.jsonl:2"):
        list(read_papers(path))


def test_invalid_utf8_line_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path, "papers.jsonl", b'{"title": "good"}\n{"title": "\xff\xfe"}\n')
    papers, rejected = collect(path)
    assert len(papers) == 1
    assert rejected[0].line == 2


def test_control_characters_become_spaces(tmp_path: Path) -> None:
    path = write(tmp_path, "papers.jsonl", '{"title": "red\\u001b[31m alert\\u0000"}')
    assert collect(path)[0][0].title == "red [31m alert"


def test_content_outweighs_a_wrong_extension(tmp_path: Path) -> None:
    assert collect(write(tmp_path, "papers.jsonl", BIB))[0][0].id == "croft2019"
    assert collect(write(tmp_path, "papers.bib", '{"title": "T"}'))[0][0].title == "T"


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    bom = "\N{ZERO WIDTH NO-BREAK SPACE}"
    assert collect(write(tmp_path, "a.txt", bom + '{"title": "T"}'))[0][0].title == "T"
    assert collect(write(tmp_path, "b.txt", bom + "@article{k, title={T}}"))[0][0].title == "T"


def test_unknown_content_and_extension(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"cannot tell the format of .*known formats: jsonl, bibtex"):
        list(read_papers(write(tmp_path, "notes.txt", "hello")))


def test_unknown_format_name(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match="format is 'ris', expected one of jsonl, bibtex"):
        list(read_papers(write(tmp_path, "a.bib", BIB), format="ris"))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"cannot read .*none\.bib: No such file"):
        list(read_papers(tmp_path / "none.bib"))
    with pytest.raises(PaperError, match=r"cannot read .*: Is a directory"):
        list(read_papers(tmp_path))


def test_empty_file_holds_no_papers(tmp_path: Path) -> None:
    assert collect(write(tmp_path, "empty.bib", "")) == ([], [])
