"""PubMed and MEDLINE XML: baseline, updates, and answers of efetch.

Source: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.xml_records import Dialect, first, text_of, texts

_NO_LABEL = (None, "", "UNLABELLED", "UNASSIGNED")
_ABSTRACT = "Abstract/AbstractText"


def _entries(element: Any) -> Iterator[Entry | Problem]:
    line = element.sourceline or 1
    if element.tag == "DeleteCitation":
        for identifier in element.iterfind("PMID"):
            yield Problem(line, identifier.text, "withdrawn: PubMed's update asks to delete it")
    elif element.tag == "PubmedArticle":
        citations = element.findall("MedlineCitation")
        if not citations:
            yield Problem(line, None, "a PubmedArticle without a MedlineCitation")
        for number, citation in enumerate(citations):
            yield _article((citation.sourceline or line) if number else line, citation, citation if number else element)
    elif element.tag == "PubmedBookArticle":
        yield _book(line, element)
    elif _parent(element) != "PubmedArticle":
        yield _article(line, element, element)


def _parent(element: Any) -> str | None:
    parent = element.getparent()
    return None if parent is None else str(parent.tag)


def _article(line: int, citation: Any, record: Any) -> Entry:
    pmid = citation.findtext("PMID")
    dois = texts(citation, "Article/ELocationID[@EIdType='doi']")
    dois += texts(record, "PubmedData/ArticleIdList/ArticleId[@IdType='doi']")
    pmcids = texts(record, "PubmedData/ArticleIdList/ArticleId[@IdType='pmc']")
    types = texts(citation, "Article/PublicationTypeList/PublicationType")
    metadata = {
        "year": first(
            citation,
            "Article/Journal/JournalIssue/PubDate/Year",
            "Article/Journal/JournalIssue/PubDate/MedlineDate",
            "Article/ArticleDate/Year",
        ),
        "venue": first(citation, "Article/Journal/Title", "MedlineJournalInfo/MedlineTA"),
        "authors": _authors(citation, "Article/AuthorList/Author"),
        "fields": texts(citation, "MeshHeadingList/MeshHeading/DescriptorName"),
        "keywords": texts(citation, "KeywordList/Keyword"),
        "doi": dois[0] if dois else None,
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
        "type": types[0] if types else None,
        "publicationtypes": types,
        "language": first(citation, "Article/Language"),
        "pmcid": pmcids[0] if pmcids else None,
    }
    title = first(citation, "Article/ArticleTitle", "Article/VernacularTitle")
    # Where the end of a citation is missing, the next one may be in it.
    metadata["other_titles"] = texts(citation, "Article/ArticleTitle")[1:]
    return Entry(line, pmid, title, _abstract(citation.find("Article")), metadata)


def _book(line: int, record: Any) -> Entry:
    pmid = record.findtext("BookDocument/PMID")
    metadata = {
        "year": first(record, "BookDocument/Book/PubDate/Year", "BookDocument/Book/PubDate/MedlineDate"),
        "venue": first(record, "BookDocument/Book/BookTitle"),
        "authors": _authors(record, "BookDocument/AuthorList[@Type='authors']/Author"),
        "keywords": texts(record, "BookDocument/KeywordList/Keyword"),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
        "type": first(record, "BookDocument/PublicationType"),
    }
    title = first(record, "BookDocument/ArticleTitle", "BookDocument/Book/BookTitle")
    return Entry(line, pmid, title, _abstract(record.find("BookDocument")), metadata)


def _abstract(article: Any) -> str | None:
    """Return all sections, each after its label."""
    sections = []
    for section in article.iterfind(_ABSTRACT) if article is not None else ():
        label, text = section.get("Label"), text_of(section)
        sections.append(text if label in _NO_LABEL else f"{label}: {text}")
    return " ".join(sections) or None


def _authors(record: Any, path: str) -> list[str]:
    names = []
    for author in record.iterfind(path):
        given = first(author, "ForeName", "Initials") or ""
        names.append(first(author, "CollectiveName") or f"{given} {first(author, 'LastName') or ''}")
    return names


PUBMED = Dialect(
    "pubmed",
    roots=frozenset(
        {"PubmedArticleSet", "PubmedArticle", "MedlineCitationSet", "PubmedBookArticleSet", "MedlineCitation"}
    ),
    records=("PubmedArticle", "MedlineCitation", "PubmedBookArticle", "DeleteCitation"),
    entries=_entries,
    keeps=lambda element: element.tag == "MedlineCitation" and _parent(element) == "PubmedArticle",
).format()
