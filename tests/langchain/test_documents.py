"""Papers <-> documents, and files -> documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.documents import Document

from specter2_plugins import Paper, PaperError
from specter2_plugins.langchain import PaperLoader, documents_to_papers, papers_to_documents
from specter2_plugins.papers.points import point_id
from specter2_plugins.readers import FORMATS, Rejected, read_papers

READABLE = Path(__file__).parents[1] / "readers" / "data"
BIB = """
@article{devlin2019, title={{BERT}: Pre-training}, author={Devlin, Jacob and Chang, Ming-Wei}, year=2019,
  abstract={We introduce a new language model.}}
@misc{empty2020, year=2020}
@article{vaswani2017, title={Attention Is All You Need}, year=2017}
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.bib"
    path.write_text(BIB)
    return path


def test_papers_come_back_as_they_were(papers: list[Paper]) -> None:
    assert documents_to_papers(papers_to_documents(papers)) == papers


def test_a_document_has_the_points_id_and_the_papers_metadata() -> None:
    paper = Paper("A  title", "An abstract", "10.1/x", {"year": 2020})
    (document,) = papers_to_documents([paper])
    assert document == Document(
        id=str(point_id(paper)),
        page_content="A title\n\nAn abstract",
        metadata={"year": 2020, "id": "10.1/x", "title": "A title"},
    )


@pytest.mark.parametrize("key", ["_id", "_collection_name"])
def test_metadata_called_as_the_store_calls_its_own_is_kept(key: str) -> None:
    paper = Paper("A title", id="k", metadata={key: "mine"})
    assert documents_to_papers(papers_to_documents([paper])) == [paper]


def test_what_a_store_adds_to_metadata_is_no_part_of_the_paper() -> None:
    found = Document("A title\n\nText", metadata={"id": 7, "year": 2020, "_id": "uuid", "_collection_name": "papers"})
    assert documents_to_papers([found]) == [Paper("A title", "Text", "7", {"year": 2020})]


def test_a_document_without_text_is_no_paper() -> None:
    with pytest.raises(PaperError, match="neither title nor abstract"):
        documents_to_papers([Document(" ")])


@pytest.mark.parametrize("path", sorted(READABLE.iterdir()), ids=lambda path: path.name)
async def test_the_loader_reads_what_the_readers_read(path: Path) -> None:
    refused: list[Rejected] = []
    papers = list(read_papers(path, on_reject=refused.append))
    assert papers
    for load in ("sync", "async"):
        rejected: list[Rejected] = []
        loader = PaperLoader(path, on_reject=rejected.append)
        documents = loader.load() if load == "sync" else [document async for document in loader.alazy_load()]
        assert documents == papers_to_documents(papers)
        assert documents_to_papers(documents) == papers
        assert rejected == refused


def test_the_loader_reads_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    parquet.write_table(arrow.table({"headline": ["A title"], "year": [2020]}), tmp_path / "papers.parquet")
    (document,) = PaperLoader(tmp_path / "papers.parquet", fields={"title": "headline"}).load()
    assert (document.page_content, document.metadata["year"]) == ("A title\n\n", 2020)


def test_records_that_are_no_papers_are_not_lost(library: Path) -> None:
    rejected: list[Rejected] = []
    documents = PaperLoader(library, on_reject=rejected.append).load()
    assert [document.metadata["id"] for document in documents] == ["devlin2019", "vaswani2017"]
    assert documents[0].metadata["authors"] == ["Jacob Devlin", "Ming-Wei Chang"]
    assert [record.id for record in rejected] == ["empty2020"]
    with pytest.raises(PaperError, match=r"library\.bib:4 \(empty2020\): .*neither title nor abstract"):
        PaperLoader(library).load()


def test_the_loader_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text(json.dumps({"title": "Good"}) + "\n{broken\n")
    documents = PaperLoader(path).lazy_load()
    assert next(documents).metadata["title"] == "Good"
    with pytest.raises(PaperError, match=r"papers\.jsonl:2"):
        next(documents)


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "papers"
    path.write_text("\n" + BIB)
    assert "bibtex" in FORMATS
    assert len(PaperLoader(path, format="bibtex", on_reject=lambda _: None).load()) == 2
    with pytest.raises(PaperError, match="format is 'bib'"):
        PaperLoader(path, format="bib").load()
