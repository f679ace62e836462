"""PubMed and MEDLINE XML: baseline, updates, and answers of efetch.

Source: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require
from specter2_plugins.readers.format import Format
from specter2_plugins.readers.names import FieldNames
from specter2_plugins.readers.records import MAX_RECORD, TOO_LONG, Entry, Problem
from specter2_plugins.readers.stream import Stream

_TAGS = ("PubmedArticle", "MedlineCitation", "PubmedBookArticle", "DeleteCitation")
_ROOT = re.compile(rb"<(?:PubmedArticleSet|PubmedArticle|MedlineCitationSet|PubmedBookArticleSet)[\s>]")
_NO_LABEL = (None, "", "UNLABELLED", "UNASSIGNED")
_ABSTRACT = "Abstract/AbstractText"


def _read(stream: Stream, fields: FieldNames) -> Iterator[Entry | Problem]:
    etree = require("lxml.etree", "lxml", "readers")
    # Only this file is read, and no entity is expanded: a file that declares one is refused.
    parser = etree.XMLPullParser(
        events=("end",), tag=_TAGS, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    line, waiting, checked = 1, 0, False
    try:
        while chunk := stream.read():
            broken = None
            try:
                parser.feed(chunk)
            except etree.XMLSyntaxError as error:
                broken = error  # after the citations before it
            waiting += len(chunk)
            for _, element in parser.read_events():
                if not checked:
                    _refuse_entities(stream.name, element)
                    checked = True
                line, waiting = element.sourceline, 0
                yield from _entries(element)
                _forget(element)
            if broken is not None:
                raise broken
            if waiting > MAX_RECORD:
                yield Problem(line, None, f"the next citation is {TOO_LONG}; the rest of the file is not read")
                return
        _refuse_entities(stream.name, parser.close())
    except etree.XMLSyntaxError as error:
        yield Problem(error.lineno or line, None, f"not valid XML from here on: {error.msg}")


def _refuse_entities(source: str, element: Any) -> None:
    declared = element.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise PaperError(f"{source} declares XML entities, which PubMed's files do not and attacks do; it is not read")


def _forget(element: Any) -> None:
    """Take a citation, and all before it, out of the tree."""
    if element.tag == "MedlineCitation" and element.getparent().tag == "PubmedArticle":
        return
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _entries(element: Any) -> Iterator[Entry | Problem]:
    line = element.sourceline
    if element.tag == "DeleteCitation":
        for identifier in element.iterfind("PMID"):
            yield Problem(line, identifier.text, "withdrawn: PubMed's update asks to delete it")
    elif element.tag == "PubmedArticle":
        citation = element.find("MedlineCitation")
        if citation is None:
            yield Problem(line, None, "a PubmedArticle without a MedlineCitation")
        else:
            yield _article(line, citation, element)
    elif element.tag == "PubmedBookArticle":
        yield _book(line, element)
    elif element.getparent() is None or element.getparent().tag != "PubmedArticle":
        yield _article(line, element, element)


def _article(line: int, citation: Any, record: Any) -> Entry:
    pmid = citation.findtext("PMID")
    dois = _texts(citation, "Article/ELocationID[@EIdType='doi']")
    dois += _texts(record, "PubmedData/ArticleIdList/ArticleId[@IdType='doi']")
    pmcids = _texts(record, "PubmedData/ArticleIdList/ArticleId[@IdType='pmc']")
    types = _texts(citation, "Article/PublicationTypeList/PublicationType")
    metadata = {
        "year": _first(
            citation,
            "Article/Journal/JournalIssue/PubDate/Year",
            "Article/Journal/JournalIssue/PubDate/MedlineDate",
            "Article/ArticleDate/Year",
        ),
        "venue": _first(citation, "Article/Journal/Title", "MedlineJournalInfo/MedlineTA"),
        "authors": _authors(citation, "Article/AuthorList/Author"),
        "fields": _texts(citation, "MeshHeadingList/MeshHeading/DescriptorName"),
        "keywords": _texts(citation, "KeywordList/Keyword"),
        "doi": dois[0] if dois else None,
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
        "type": types[0] if types else None,
        "publicationtypes": types,
        "language": _first(citation, "Article/Language"),
        "pmcid": pmcids[0] if pmcids else None,
    }
    title = _first(citation, "Article/ArticleTitle", "Article/VernacularTitle")
    return Entry(line, pmid, title, _abstract(citation.find("Article")), metadata)


def _book(line: int, record: Any) -> Entry:
    pmid = record.findtext("BookDocument/PMID")
    metadata = {
        "year": _first(record, "BookDocument/Book/PubDate/Year", "BookDocument/Book/PubDate/MedlineDate"),
        "venue": _first(record, "BookDocument/Book/BookTitle"),
        "authors": _authors(record, "BookDocument/AuthorList[@Type='authors']/Author"),
        "keywords": _texts(record, "BookDocument/KeywordList/Keyword"),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
        "type": _first(record, "BookDocument/PublicationType"),
    }
    title = _first(record, "BookDocument/ArticleTitle", "BookDocument/Book/BookTitle")
    return Entry(line, pmid, title, _abstract(record.find("BookDocument")), metadata)


def _abstract(article: Any) -> str | None:
    """All sections, each after its label."""
    sections = []
    for section in article.iterfind(_ABSTRACT) if article is not None else ():
        label, text = section.get("Label"), _text(section)
        sections.append(text if label in _NO_LABEL else f"{label}: {text}")
    return " ".join(sections) or None


def _authors(record: Any, path: str) -> list[str]:
    names = []
    for author in record.iterfind(path):
        first = _first(author, "ForeName", "Initials") or ""
        names.append(_first(author, "CollectiveName") or f"{first} {_first(author, 'LastName') or ''}")
    return names


def _first(element: Any, *paths: str) -> str | None:
    return next((text for path in paths for text in _texts(element, path) if text), None)


def _texts(element: Any, path: str) -> list[str]:
    return [_text(found) for found in element.iterfind(path)]


def _text(element: Any) -> str:
    """All text inside, whatever italics, superscripts or formulas it is in."""
    return "".join(element.itertext()).strip()


PUBMED = Format("pubmed", lambda head: _ROOT.search(head) is not None, (".xml",), _read)
