"""What is written of hostile papers: nothing that a program would obey, and one record for each that is read back."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

pytest.importorskip("bibtexparser")
pytest.importorskip("lxml.etree")

from specter2_plugins import Paper
from specter2_plugins.printable import to_json
from specter2_plugins.readers import read_papers
from specter2_plugins.writers import to_bibtex
from specter2_plugins.writers.atom import to_atom
from tests.hostile.test_terminals import FOREIGN

HOSTILE = {
    **{name: text for name, text in FOREIGN.items() if name not in ("surrogate", "invisible")},
    "a formula": "=cmd|' /C calc'!A1",
    "another entry": "} @article{evil, title={x}}\n@article{worse, title={y}}\n%",
    "a macro": '@string{a = "b"} # a # {b',
    "commands of TeX": r"\write18{rm -rf ~}\input{/etc/passwd}$\def\a{\a}\a$",
    "markup": "<script>alert(1)</script>&x;]]><!--",
    "a tag": "\nER  - \nTY  - JOUR\nTI  - evil\n",
    "no characters of XML": "\ufffe\uffff\U0001fffe",
}
"""Titles, and whatever else a paper has, that mean something in one of the formats."""
_NEVER = {"Cc", "Cs", "Zl", "Zp"}


def hostile(text: str) -> Paper:
    metadata = {"doi": f"10.1/{text}", "url": f"javascript:alert(1)//{text}", "venue": text, "authors": [f"A {text}"]}
    return Paper(f"t {text}", f"a {text}", f"i{text}", {**metadata, "keywords": [text], "year": 2012, "type": text})


def assert_plain(text: str) -> None:
    odd = {sign for sign in text if sign not in "\n\t" and unicodedata.category(sign) in _NEVER}
    assert odd | {sign for sign in text if sign in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"} == set()


@pytest.mark.parametrize("name", HOSTILE)
def test_bibtex(tmp_path: Path, name: str) -> None:
    papers = [hostile(HOSTILE[name]), Paper("The next one", id="next")]
    written = to_bibtex(papers)
    assert_plain(written)
    assert "\\write18" not in written
    assert "\\input" not in written
    file = tmp_path / "out.bib"
    file.write_text(written, encoding="utf-8")
    first, second = read_papers(file, on_reject=pytest.fail)
    assert (first.title or "").startswith("t")
    assert second == Paper("The next one", id="next", metadata=second.metadata)
    if name in ("a formula", "commands of TeX", "another entry", "a macro"):
        assert first.title == " ".join(f"t {HOSTILE[name]}".split())


@pytest.mark.parametrize("name", HOSTILE)
def test_atom(name: str) -> None:
    written = to_atom(f"New: {HOSTILE[name]}", [("6f1c", "2026-11-26T08:00:00+00:00", hostile(HOSTILE[name]))])
    assert_plain(written)
    from lxml import etree

    feed = etree.fromstring(written.encode())
    [entry] = feed.findall("{*}entry")
    assert [len(entry.findall(f"{{*}}{tag}")) for tag in ("title", "id", "summary", "link")] == [1, 1, 1, 1]
    assert entry.find("{*}link").get("href").startswith("https://doi.org/10.1/")
    assert {element.tag.partition("}")[2] for element in entry.iter()} <= {
        *("entry", "title", "id", "updated", "link", "author", "name", "summary")
    }


def test_atom_links_to_no_script() -> None:
    paper = Paper("Owls", metadata={"url": "javascript:alert(1)"})
    assert "javascript" not in to_atom("New", [("6f1c", "2026-11-26T08:00:00+00:00", paper)])


@pytest.mark.parametrize("name", HOSTILE)
def test_json_lines(name: str) -> None:
    line = to_json({"title": HOSTILE[name]})
    assert_plain(line)
    assert "\n" not in line
    assert json.loads(line) == {"title": HOSTILE[name]}
