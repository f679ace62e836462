"""Whatever the bytes, a reader gives papers and rejected records or a PaperError, soon."""

from __future__ import annotations

import gzip
import io
import re
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specter2_plugins import Paper, PaperError
from specter2_plugins.papers.payloads import to_payload
from specter2_plugins.readers import FORMATS, Rejected, read_papers
from specter2_plugins.readers.markup import bibtex_text, plain_text

from .helpers import DATA, spreadsheet

# What the formats are made of, so that mutations hit more than words.
TOKENS = [
    *(b"@article{", b"@string{", b"}", b"{", b'"', b",", b"=", b"#", b"\\", b"$", b"\n", b"\r", b"\t", b";", b"\x00"),
    *(b"TY  - ", b"ER  - ", b"  continued", b"[", b"]", b":", b"null", b"NaN", b"1e999", b"-0", b"\xff", b"\xe2\x80"),
    *(b"<PubmedArticle>", b"</PubmedArticle>", b"<!--", b"]]>", b"<![CDATA[", b"&b;", b"&#x0;", b"<i>", b"&amp;"),
    *(
        b'"title"',
        b'"abstract_inverted_index"',
        b'"authors"',
        b'"candidates"',
        b"\xef\xbb\xbf",
        b"\x1f\x8b",
        b"\\ud800",
    ),
]
# Hypothesis cannot reset a fixture between examples; each example writes its file anew.
fuzz = settings(deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@lru_cache
def samples() -> dict[str, bytes]:
    """A valid file of each kind."""
    found = {path.name: path.read_bytes() for path in DATA.iterdir()}
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return found
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"title": ["A", None], "year": [1.5, None], "authors": [["a"], None]}), file)
    return {**found, "papers.parquet": file.getvalue(), "sheet.xlsx": spreadsheet([["Title"], ["Owls"]])}


@st.composite
def mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """A valid file with pieces cut, doubled and put in, and perhaps its end missing."""
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.sampled_from([0, 1, 2, 10, 100])))
        piece = draw(st.sampled_from([*TOKENS, b"", content[begin:end] * 2, content[end : end + 50]]))
        content = content[:begin] + piece + content[end:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


def read(path: Path, content: bytes, format: str | None) -> None:
    path.write_bytes(content)
    rejected: list[Rejected] = []
    papers: list[Paper] = []
    refusal = str(path)
    try:
        papers.extend(read_papers(path, format, on_reject=rejected.append))
    except PaperError as error:
        refusal = str(error)
    assert str(path) in refusal
    for paper in papers:
        assert isinstance(paper, Paper)
        repr(to_payload(paper)).encode()
    for record in rejected:
        assert record.line >= 1
        assert record.reason


@pytest.mark.parametrize("name", sorted(samples()))
@fuzz
@given(data=st.data())
def test_mutations_of_valid_files(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = data.draw(mutations(samples()[name]))
    read(tmp_path / name, content, None)


@pytest.mark.parametrize("name", ["library.bib", "openalex.jsonl", "pubmed.xml"])
@fuzz
@given(data=st.data())
def test_mutations_of_compressed_files(tmp_path: Path, name: str, data: st.DataObject) -> None:
    read(tmp_path / name, data.draw(mutations(gzip.compress(samples()[name], mtime=0))), None)


@pytest.mark.parametrize("format", FORMATS)
@fuzz
@given(content=st.binary(max_size=300) | st.lists(st.sampled_from(TOKENS), max_size=60).map(b"".join))
def test_any_bytes_as_any_format(tmp_path: Path, format: str, content: bytes) -> None:
    read(tmp_path / "any", content, format)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
# All that the sample files have, and where papers lie in other records.
found = {key.decode() for path in DATA.glob("*.json*") for key in re.findall(rb'"(\w+)":', path.read_bytes())}
keys = st.sampled_from(sorted(found | {"query", "candidates", "pos", "neg", "concepts", "host_venue", "doc_id"}))


@pytest.mark.parametrize("format", ["jsonl", "arxiv", "openalex", "semanticscholar", "beir"])
@fuzz
@given(record=st.dictionaries(keys, json_values, max_size=8))
def test_records_of_any_shape(tmp_path: Path, format: str, record: dict[str, object]) -> None:
    orjson = pytest.importorskip("orjson")
    try:
        content = orjson.dumps(record)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return
    read(tmp_path / "any", content, format)


@pytest.mark.parametrize("convert", [plain_text, bibtex_text])
@settings(deadline=5000)
@given(st.text(alphabet="ab 1%$&{}[]()\\<>/~^_#\"';=", max_size=60))
def test_any_markup_gives_text(convert: object, field: str) -> None:
    assert isinstance(convert(field), str)  # type: ignore[operator]


@pytest.mark.parametrize(
    "unit",
    [*(token.decode(errors="replace") for token in TOKENS), "{\\'", "\\a{", "\\begin{a}", "$\\a", "<a b=", " ", "\\["],
)
def test_long_repetitions_take_no_longer_than_their_length(tmp_path: Path, unit: str) -> None:
    """100,000 characters of one piece; whatever is quadratic in them takes minutes."""
    text = (unit * 100_000)[:100_000]
    for convert in (plain_text, bibtex_text):
        assert isinstance(convert(text), str)
    for format in FORMATS:
        read(tmp_path / "any", text.encode(errors="replace"), format)
