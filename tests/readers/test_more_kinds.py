"""More inputs of the kinds that exports get wrong: other exporters, placeholders, macros, names and local ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specter2_plugins import PaperError
from specter2_plugins.readers.ids import is_local
from specter2_plugins.readers.markup import bibtex_text
from specter2_plugins.readers.people import names
from specter2_plugins.readers.placeholders import is_placeholder

from .helpers import collect, write

OWLS = ("Owls", "They see", ["Athene Noctua"])
RECORDS: dict[str, tuple[dict[str, Any], str]] = {
    "ads": (
        {
            "response": {
                "docs": [{"bibcode": "2019J", "title": ["Owls"], "abstract": "They see", "author": ["Noctua, Athene"]}]
            }
        },
        "2019J",
    ),
    "biorxiv": (
        {"collection": [{"doi": "10.1101/1", "title": "Owls", "abstract": "They see", "authors": "Noctua, Athene"}]},
        "10.1101/1",
    ),
    "doaj": (
        {
            "results": [
                {
                    "id": "d1",
                    "bibjson": {"title": "Owls", "abstract": "They see", "author": [{"name": "Athene Noctua"}]},
                }
            ]
        },
        "d1",
    ),
    "hal": (
        {
            "response": {
                "docs": [
                    {
                        "halId_s": "hal-1",
                        "title_s": ["Owls"],
                        "abstract_s": ["They see"],
                        "authFullName_s": ["Athene Noctua"],
                    }
                ]
            }
        },
        "hal-1",
    ),
    "inspire": (
        {
            "hits": {
                "hits": [
                    {
                        "id": "17",
                        "metadata": {
                            "control_number": 1234567,
                            "titles": [{"title": "Owls"}],
                            "abstracts": [{"value": "They see"}],
                            "authors": [{"full_name": "Noctua, Athene"}],
                        },
                    }
                ]
            }
        },
        "1234567",
    ),
    "s2orc": (
        {
            "paper_id": "x1",
            "metadata": {"title": "Owls", "authors": [{"first": "Athene", "last": "Noctua"}]},
            "abstract": [{"text": "They"}, {"text": "see"}],
            "body_text": [],
        },
        "x1",
    ),
    "wrapped": ({"id": "w1", "data": {"title": "Owls", "abstract": "They see", "authors": ["Noctua, Athene"]}}, "w1"),
    "lens": (
        {
            "lens_id": "000-1",
            "title": "Owls",
            "abstract": "They see",
            "authors": [{"first_name": "Athene", "last_name": "Noctua"}],
        },
        "000-1",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_answers_of_more_services(tmp_path: Path, name: str) -> None:
    record, id = RECORDS[name]
    [paper], rejected = collect(write(tmp_path, "a.json", json.dumps(record)))
    assert rejected == []
    assert (paper.title, paper.abstract, paper.metadata["authors"]) == OWLS
    assert paper.id == id


def test_several_titles_are_kept(tmp_path: Path) -> None:
    [paper], _ = collect(write(tmp_path, "a.json", json.dumps({"title": ["Owls", "Eulen"]})))
    assert (paper.title, paper.metadata["other_titles"]) == ("Owls", ["Eulen"])


@pytest.mark.parametrize(
    "table",
    [
        "Titel;Zusammenfassung;Autoren\nOwls;They see;Noctua, Athene\n",
        "Título;Resumen;Autores\nOwls;They see;Noctua, Athene\n",
        "Titre\tRésumé\tAuteurs\nOwls\tThey see\tAthene Noctua\n",
    ],
)
def test_headers_in_other_languages(tmp_path: Path, table: str) -> None:
    [paper], _ = collect(write(tmp_path, "a.csv", table))
    assert (paper.title, paper.abstract, paper.metadata["authors"]) == OWLS


@pytest.mark.parametrize(
    "text",
    [
        *(
            "n / a",
            "#N/A N/A",
            "{}",
            "[]",
            "Abstract",
            "Abstract:",
            "null null",
            "no abs",
            "no data",
            "[object Object]",
        ),
        *("This article does not have an abstract.", "The paper has no abstract", "[ABSTRACT FROM AUTHOR]", "暂无摘要"),
        *(
            "No hay resumen disponible",
            "Resumo não disponível",
            "нет данных",
            "Click on the article title to read more.",
        ),
        "An abstract is not available for this content so a preview has been provided. Please use the Get access link.",
    ],
)
def test_more_placeholders(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["No data, no science", "This article has no equal", "Abstract art", "Data", "Null A"])
def test_more_words(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ("array(['Athene Noctua', 'Bubo Strix'], dtype=object)", ["Athene Noctua", "Bubo Strix"]),
        ("[Athene Noctua, Bubo Strix]", ["Athene Noctua", "Bubo Strix"]),
        ("[Anonymous]", []),
        ("Athene Noctua^1, Bubo Strix^{2}", ["Athene Noctua", "Bubo Strix"]),
        ("Noctua, Athene (University of X); Strix, Bubo (MIT)", ["Athene Noctua", "Bubo Strix"]),
        ("Noctua, A., others", ["A. Noctua"]),
        ("Noctua, A. ... Strix, B.", ["A. Noctua", "B. Strix"]),
        ("By Athene Noctua and Bubo Strix", ["Athene Noctua", "Bubo Strix"]),
        (["Noctua, A., Strix, B."], ["A. Noctua", "B. Strix"]),
        ([{"collab": "Owl Group"}], ["Owl Group"]),
        ("Noctua, Athene, 1970-; Strix, Bubo, 1950-2001", ["Athene Noctua", "Bubo Strix"]),
        ("Noctua, Athene (Ed.), Strix, Bubo (Ed.)", ["Athene Noctua", "Bubo Strix"]),
        ("Athene (Nina) Noctua", ["Athene (Nina) Noctua"]),
    ],
)
def test_more_names(people: Any, expected: list[str]) -> None:
    assert names(people) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (r"\rotatebox{90}{turn} \parbox{3cm}{boxed}", "turn boxed"),
        (r"\lq owl\rq\ \newblock night", "‘owl’ night"),  # noqa: RUF001
    ],
)
def test_more_latex(field: str, expected: str) -> None:
    assert " ".join(bibtex_text(field).split()) == expected


@pytest.mark.parametrize("name", ["RN12", "rec-7", "ref 3", "#4", "[17]", 5])
def test_the_number_of_a_record_is_local(name: Any) -> None:
    assert is_local(name)


def test_endnotes_keys_give_way_to_dois(tmp_path: Path) -> None:
    content = (
        "@article{RN12, title = {Owls}, doi = {10.1000/owl.1}}\n@article{owl12, title = {Owls}, doi = {10.1000/owl.1}}"
    )
    papers, _ = collect(write(tmp_path, "a.bib", content))
    assert [paper.id for paper in papers] == ["10.1000/owl.1", "owl12"]


def test_korean_is_not_taken_for_chinese(tmp_path: Path) -> None:
    content = "title,abstract\n올빼미의 야간 시력에 관한 연구,올빼미는 밤에 잘 본다\n".encode("euc-kr")
    [paper], _ = collect(write(tmp_path, "a.csv", content), None)
    assert paper.title != content.decode("gb18030").split("\n")[1].split(",")[0]


def test_what_is_no_xml_is_not_called_so(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match="cannot tell the format"):
        collect(write(tmp_path, "ovid.txt", "<1>\nUnique Identifier\n  123\nTitle\n  Owls.\n"))
    with pytest.raises(PaperError, match="a web page"):
        collect(write(tmp_path, "a.bib", "<p>Access denied</p>\n<div>@article{</div>"))
