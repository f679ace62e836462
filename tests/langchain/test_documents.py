"""Papers <-> documents, and files -> documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.documents import Document

from specter2_plugins import Paper, PaperError
from specter2_plugins.langchain import PaperLoader, documents_to_papers, papers_to_documents
from specter2_plugins.qdrant.points import point_id
from specter2_plugins.readers import FORMATS, Rejected, read_papers

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


def test_what_a_store_adds_to_metadata_is_no_part_of_the_paper() -> None:
    found = Document("A title\n\nText", metadata={"id": 7, "year": 2020, "_id": "uuid", "_collection_name": "papers"})
    assert documents_to_papers([found]) == [Paper("A title", "Text", "7", {"year": 2020})]


def test_a_document_without_text_is_no_paper() -> None:
    with pytest.raises(PaperError, match="neither title nor abstract"):
        documents_to_papers([Document(" ")])


def test_the_loader_reads_what_the_readers_read(library: Path) -> None:
    rejected: list[Rejected] = []
    documents = PaperLoader(library, on_reject=rejected.append).load()
    assert documents == papers_to_documents(read_papers(library, on_reject=lambda _: None))
    assert [document.metadata["id"] for document in documents] == ["devlin2019", "vaswani2017"]
    assert documents[0].metadata["authors"] == ["Jacob Devlin", "Ming-Wei Chang"]
    assert [record.id for record in rejected] == ["empty2020"]


def test_the_loader_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text(json.dumps({"title": "Good"}) + "\n{broken\n")
    documents = PaperLoader(path).lazy_load()
    assert next(documents).metadata["title"] == "Good"
    with pytest.raises(PaperError, match=r"papers\.jsonl:2"):
        next(documents)


async def test_the_loader_is_async(library: Path) -> None:
    loader = PaperLoader(library, on_reject=lambda _: None)
    assert [document async for document in loader.alazy_load()] == loader.load() == await loader.aload()


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "papers"
    path.write_text("\n" + BIB)
    assert "bibtex" in FORMATS
    assert len(PaperLoader(path, format="bibtex", on_reject=lambda _: None).load()) == 2
    with pytest.raises(PaperError, match="format is 'bib'"):
        PaperLoader(path, format="bib").load()
