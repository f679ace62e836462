"""Text that a terminal would obey, or a reader would be misled by: spelled out wherever it is shown."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

pytest.importorskip("typer")

from specter2_plugins import Paper
from specter2_plugins.cli.hits import show_answers, show_hits
from specter2_plugins.cli.queries import Query
from specter2_plugins.printable import fit, to_json
from specter2_plugins.qdrant import Hit
from specter2_plugins.readers import read_papers
from tests.cli.conftest import Command, specter2

__all__ = ["specter2"]

FOREIGN = {
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "c1": "\x9b2J\x85\x90",
    "bidi": "\u202egpj.\u2066exe\u200f",
    "surrogate": "\ud800x\udfff",
    "lines": "a\r\nerror: b\u2028c",
    "nul": "\x00\x7f\b",
    "invisible": "\ufeff\u2060\U000e0041",
}
MARKUP = ":warning: [bold]b[/bold] [link=http://a]b[/link]"


def assert_fit(text: str) -> None:
    odd = {sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    assert odd == set()


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_spelled_out(name: str) -> None:
    text = FOREIGN[name]
    assert_fit(fit(text))
    assert "\n" not in fit(text)
    assert_fit(to_json({text: [text]}))
    assert json.loads(to_json({text: [text]})) == {text: [text]}


@pytest.mark.parametrize("text", [MARKUP, "Łukasz 日本語 ü", "\U0001f468\u200d\U0001f469", "\u0646\u200c\u0634"])
def test_what_stays(text: str) -> None:
    assert fit(text) == text


@pytest.mark.parametrize("name", [*FOREIGN, "markup"])
@pytest.mark.parametrize(("as_json", "as_bibtex"), [(False, False), (True, False), (False, True)])
def test_hits(name: str, as_json: bool, as_bibtex: bool, capfd: pytest.CaptureFixture[str]) -> None:
    text = {**FOREIGN, "markup": MARKUP}[name]
    if name == "surrogate":
        text = "x"  # no paper can hold one
    if as_bibtex and name == "invisible":
        text = "x"  # BibTeX has no escape for these, a terminal ignores them, and they are to be read back
    # Metadata may be of any kind, and comes from a store that others write.
    metadata = dict.fromkeys(("venue", "doi", "url", "publisher", "year", "type"), f"{text}1")
    paper = Paper(f"t{text}", f"a{text}", f"i{text}", {**metadata, "authors": [f"A{text}"], "keywords": [text]})
    hits = [Hit(paper, 0.5, f"p{text}")]
    show_hits(hits, as_json, as_bibtex)
    show_answers([(Query(f"q{text}", f"q{text}"), hits)], as_json, as_bibtex)
    out = capfd.readouterr().out
    assert out.count("\n") >= 2
    assert_fit(out.replace("\t", "") if as_bibtex else out)  # BibTeX is indented by them
    if name == "markup" and not as_bibtex:
        assert ":warning: [bold]b[/bold]" in out
    if as_json:
        assert json.loads(out[: out.index("\n]") + 2])[0]["id"] == f"i{text}"


def test_bibtex_of_a_hostile_doi_is_read_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    doi = "10.1/\x1b[2J\x9b\u202e}"
    show_hits([Hit(Paper("Title", id="a", metadata={"doi": doi}), 0.5, "p")], as_bibtex=True)
    path = tmp_path / "out.bib"
    path.write_text(capfd.readouterr().out, encoding="utf-8")
    assert [paper.title for paper in read_papers(path)] == ["Title"]


@pytest.mark.parametrize("name", [*FOREIGN, "markup"])
def test_rejected_records(specter2: Command, tmp_path: Path, name: str) -> None:
    text = {**FOREIGN, "markup": MARKUP}[name]
    rejects = tmp_path / "rejects.jsonl"
    papers = tmp_path / (f"{name}{text}.jsonl".replace("/", "") if name not in ("nul", "surrogate") else "p.jsonl")
    papers.write_text(json.dumps({"id": f"i{text}", "title": 5}) + "\n", encoding="utf-8")
    done = specter2("embed", papers, "--model", "mini", "--out", tmp_path / "o.npz", "--rejects", rejects)
    assert done.code == 1
    assert_fit(done.err)
    assert [line.split(":")[0].split()[0] for line in done.err.splitlines()] == ["rejected", "error"]
    kept = rejects.read_text(encoding="utf-8")
    assert_fit(kept)
    assert kept.count("\n") == 1
    if name == "markup":
        assert f"(i{text})" in done.err


@pytest.mark.parametrize("name", [*FOREIGN, "markup"])
def test_names_of_stores_models_and_filters(specter2: Command, tmp_path: Path, name: str) -> None:
    text = {**FOREIGN, "markup": MARKUP}[name].replace("\x00", "")
    (tmp_path / "store").mkdir()
    for arguments in (
        ("search", "x", "--mode", "sparse", "--store", f"{tmp_path}/{text}"),
        ("embed", f"{tmp_path}/{text}", "--out", tmp_path / "o.npz", "--model", "mini"),
        ("search", "x", "--store", tmp_path / "store", "--collection", text, "--filter", text),
        ("search", "x", "--url", f"http://127.0.0.1:1/{text}", "--mode", "sparse"),
    ):
        done = specter2(*arguments)
        assert done.code in (1, 2)
        assert_fit(done.err + done.out)
        if done.code == 1:
            assert done.err.count("\n") == 1
