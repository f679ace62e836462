"""`Paper` and the text a tokenizer sees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter2_plugins import Paper, PaperError
from specter2_plugins.papers import input_text

TEXT = st.one_of(st.none(), st.text(max_size=30))


@given(title=TEXT, abstract=TEXT)
def test_text_is_title_separator_abstract_or_an_error(title: str | None, abstract: str | None) -> None:
    if (title or "").strip() or (abstract or "").strip():
        expected = f"{title or ''}<sep>{abstract or ''}"
        assert Paper(title, abstract).text("<sep>") == expected
        there = [text if text and text.strip() else "" for text in (title, abstract)]
        assert input_text({"title": title, "abstract": abstract}, "<sep>") == "<sep>".join(there)
    else:
        with pytest.raises(PaperError, match="neither title nor abstract holds any text"):
            Paper(title, abstract)


def test_a_string_is_taken_as_it_is() -> None:
    assert input_text("  a [SEP] b\n", "[SEP]") == "  a [SEP] b\n"


def test_dicts_may_lack_one_of_both_and_hold_more() -> None:
    assert input_text({"title": "T", "year": 1999}, "|") == "T|"
    assert input_text({"abstract": "A"}, "|") == "|A"
    assert Paper.from_mapping({"title": "T", "id": 12}).id == "12"
    assert Paper.from_mapping({"title": "T", "id": None}).id is None


@pytest.mark.parametrize("value", [3, 2.5, b"bytes", ["list"], {"a": 1}, True])
@pytest.mark.parametrize("name", ["title", "abstract"])
def test_values_that_are_no_text(name: str, value: Any) -> None:
    record = {"id": "doi:1", "title": "T", "abstract": "A", name: value}
    with pytest.raises(PaperError, match=rf"paper 'doi:1': {name} is .* \({type(value).__name__}\), expected a string"):
        Paper.from_mapping(record)


def test_errors_name_the_paper_by_id_or_title() -> None:
    with pytest.raises(PaperError, match=r"^paper 'x': title"):
        Paper(title=1, id="x")  # type: ignore[arg-type]
    with pytest.raises(PaperError, match=r"^paper titled 'T{60}': abstract"):
        Paper(title="T" * 100, abstract=1)  # type: ignore[arg-type]
    with pytest.raises(PaperError, match=r"^paper: title"):
        Paper(title=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["ab\ud800", "\udfff", "x\ud83dy"])
def test_lone_surrogates_are_located_and_the_repair_works(text: str) -> None:
    for make in (lambda: Paper(title=text), lambda: Paper(title="T", abstract=text), lambda: input_text(text, "|")):
        with pytest.raises(PaperError, match=r"lone surrogate U\+D[8-F]"):
            make()
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert Paper(title=repaired).text("|").encode("utf-8")


@pytest.mark.parametrize("record", [None, 3, float("nan"), b"text", ["a"], object()])
def test_what_is_no_paper(record: Any) -> None:
    with pytest.raises(PaperError, match=r"cannot embed .* expected a string, a Paper or a dict"):
        input_text(record, "|")


def test_a_dict_of_something_else_lists_its_keys() -> None:
    with pytest.raises(PaperError, match=r"its keys are: 'name', 'doi'$"):
        input_text({"name": "x", "doi": "y"}, "|")
    with pytest.raises(PaperError, match="its keys are: none"):
        input_text({}, "|")
