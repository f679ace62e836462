"""The kinds of XML that papers come in, beside PubMed's: a table of dialects, and what each calls its fields.

Sources: EndNote's XML export; arXiv: https://info.arxiv.org/help/api/user-manual.html, /help/rss.html, /help/oa;
JATS: https://jats.nlm.nih.gov; TEI: https://grobid.readthedocs.io; DBLP: https://dblp.org/xml/docu/dblpxml.pdf;
MODS: https://www.loc.gov/standards/mods; Dublin Core: https://www.openarchives.org/OAI/openarchivesprotocol.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from specter2_plugins.readers.fields import titled
from specter2_plugins.readers.ids import doi, is_local
from specter2_plugins.readers.metadata import year
from specter2_plugins.readers.records import Entry, Problem
from specter2_plugins.readers.xml_records import Dialect, find, first, local_name, text_of

_Paths = tuple[str, ...]
_KEYWORDS = re.compile(r"[;\n]")


@dataclass(frozen=True)
class Fields:
    """Where a record has what: paths of elements, best first; a path may end in @attribute.

    Args:
        title: The title.
        abstract: All elements of the first path that has some.
        id: Identifiers, best first.
        local: Whether a small number among these is the file's own count, and none where there is a DOI.
        year: Dates.
        venue: Journal or book.
        authors: People, each one element.
        dois: May hold a DOI among other text.
        subtitle: Is added to the title.
        fields: All elements of all paths.
        keywords: As fields.
        url: An address.
        type: A type.
    """

    title: _Paths
    abstract: _Paths = ()
    id: _Paths = ()
    year: _Paths = ()
    venue: _Paths = ()
    authors: _Paths = ()
    dois: _Paths = ()
    subtitle: _Paths = ()
    fields: _Paths = ()
    keywords: _Paths = ()
    url: _Paths = ()
    type: _Paths = ()
    local: bool = False

    def entry(self, element: Any) -> Entry:
        """Return what a record holds."""
        name = next((found for value in _every(element, self.dois) if (found := doi(value))), None)
        identifier = next(iter(_every(element, self.id)), None)
        if self.local and name is not None and is_local(identifier):
            identifier = None
        abstract = next((parts for path in self.abstract if (parts := _values(element, path))), [])
        titles = next((values for path in self.title if (values := _values(element, path))), [])
        metadata = {
            "year": next((value for value in _every(element, self.year) if year(value)), None),
            "venue": next(iter(_every(element, self.venue)), None),
            "authors": next((people for path in self.authors if (people := _people(element, path))), []),
            "fields": list(_every(element, self.fields)),
            "keywords": [part for value in _every(element, self.keywords) for part in _KEYWORDS.split(value)],
            "doi": name,
            "url": next(iter(_every(element, self.url)), None),
            "type": next(iter(_every(element, self.type)), None),
            "other_titles": titles[1:],
        }
        title = titled(next(iter(titles), None), next(iter(_every(element, self.subtitle)), None))
        return Entry(element.sourceline or 1, identifier, title, " ".join(abstract) or None, metadata)


def _every(element: Any, paths: _Paths) -> Iterator[str]:
    return (value for path in paths for value in _values(element, path))


def _values(element: Any, path: str) -> list[str]:
    path, _, attribute = path.partition("/@")
    found = [element] if path == "." else find(element, path)
    values = (item.get(attribute) if attribute else _spaced(item) for item in found)
    return [value.strip() for value in values if value and value.strip()]


_BLOCKS = frozenset({"p", "sec", "title", "div", "head", "AbstractText", "br"})


def _spaced(element: Any) -> str:
    """Return all text inside; paragraphs and headings do not run together."""
    parts = []
    for item in element.iter():
        is_element = isinstance(item.tag, str)
        if is_element and item is not element and local_name(item) in _BLOCKS:
            parts.append(" ")
        if is_element and item.text:
            parts.append(item.text)
        if not is_element and item.text and item.text.startswith("&"):
            parts.append(item.text)  # an entity that is not expanded; it is decoded with the markup
        if item is not element and item.tail:
            parts.append((" " if is_element and local_name(item) in _BLOCKS else "") + item.tail)
    return "".join(parts)


_GIVEN = ("forename", "given-names", "forenames", "ForeName", "given", "firstname")
_FAMILY = ("surname", "keyname", "family", "LastName", "lastname")
_WHOLE = ("collab", "name", "string-name", "displayForm", "orgName")


def _people(element: Any, path: str) -> list[Any]:
    people: list[Any] = []
    for person in find(element, path):
        given, family = [], None
        for part in person.iter():
            name = local_name(part)
            if name in _GIVEN and (text := text_of(part)):
                given.append(text)
            elif name in _FAMILY and family is None:
                family = text_of(part)
        named = {part.get("type"): text_of(part) for part in find(person, "namePart")}
        if family:
            people.append({"given": " ".join(given), "family": family})
        elif named.get("family"):
            people.append(
                {"given": named.get("given"), "family": named["family"], "prefix": named.get("termsOfAddress")}
            )
        else:
            whole = named.get(None) or first(person, *_WHOLE) or text_of(person)
            people.append(whole)
    return people


def _of(fields: Fields, element: Any) -> Iterator[Entry | Problem]:
    yield fields.entry(element)


_ATOM = Fields(
    title=("title",),
    abstract=("summary", "content"),
    id=("id",),
    year=("published", "updated"),
    authors=("author",),
    dois=("doi", "link[@title='doi']/@href"),
    fields=("category/@term",),
    url=("link[@rel='alternate']/@href", "id"),
    venue=("journal_ref", "source/title"),
)
_RSS_ABSTRACT = re.compile(r"\A\s*arXiv:\S+ Announce Type: [\w-]+\s+Abstract:\s*", re.IGNORECASE)
_RSS = Fields(
    title=("title",),
    abstract=("description", "encoded", "abstract"),
    id=("guid", "link"),
    year=("pubDate", "date", "publicationDate"),
    authors=("creator", "author"),
    dois=("doi", "identifier", "link"),
    fields=("category",),
    url=("link",),
    venue=("publicationName", "source"),
)


def _rss(element: Any) -> Iterator[Entry | Problem]:
    entry = _RSS.entry(element)
    abstract = _RSS_ABSTRACT.sub("", entry.abstract or "") or None
    people = entry.metadata["authors"]
    # arXiv's feed has all of them in one element.
    authors = people[0] if len(people) == 1 else people
    name = re.sub(r"\Aoai:arXiv\.org:", "arXiv:", str(entry.id)) if entry.id else None
    yield entry._replace(abstract=abstract, id=name, metadata={**entry.metadata, "authors": authors})


_OAI = Fields(
    title=("metadata/*/title",),
    abstract=("metadata/*/abstract", "metadata/*/description"),
    id=("metadata/*/id", "header/identifier"),
    year=("metadata/*/created", "metadata/*/version/date", "metadata/*/date", "header/datestamp"),
    venue=("metadata/*/journal-ref", "metadata/*/source"),
    authors=("metadata/*/authors/author", "metadata/*/authors", "metadata/*/creator"),
    dois=("metadata/*/doi", "metadata/*/identifier", "metadata/*/relation"),
    fields=("metadata/*/categories", "metadata/*/subject"),
    url=("metadata/*/identifier",),
    type=("metadata/*/type",),
)


def _oai(element: Any) -> Iterator[Entry | Problem]:
    name = first(element, "header/identifier")
    if any(header.get("status") == "deleted" for header in find(element, "header")):
        yield Problem(element.sourceline or 1, name, "withdrawn: the archive has deleted it")
        return
    entry = _OAI.entry(element)
    fields = [part for text in entry.metadata["fields"] for part in text.split() if "." in text or "-" in text] or (
        entry.metadata["fields"]
    )
    yield entry._replace(metadata={**entry.metadata, "fields": fields})


_JATS = Fields(
    title=("front/article-meta/title-group/article-title", "front-stub/title-group/article-title"),
    subtitle=("front/article-meta/title-group/subtitle",),
    abstract=("front/article-meta/abstract", "front-stub/abstract"),
    id=(
        "front/article-meta/article-id[@pub-id-type='pmid']",
        "front/article-meta/article-id[@pub-id-type='doi']",
        "front/article-meta/article-id[@pub-id-type='pmc']",
        "front/article-meta/article-id[@pub-id-type='publisher-id']",
    ),
    year=(
        "front/article-meta/pub-date/year",
        "front-stub/pub-date/year",
        "front/article-meta/pub-date/string-date",
    ),
    venue=("front/journal-meta/journal-title-group/journal-title", "front/journal-meta/journal-title"),
    authors=(
        "front/article-meta/contrib-group/contrib[@contrib-type='author']",
        "front/article-meta/contrib-group/contrib",
        "front-stub/contrib-group/contrib",
    ),
    dois=("front/article-meta/article-id[@pub-id-type='doi']", "front-stub/article-id[@pub-id-type='doi']"),
    fields=("front/article-meta/article-categories/subj-group/subject",),
    keywords=("front/article-meta/kwd-group/kwd", "front-stub/kwd-group/kwd"),
    type=("./@article-type",),
)
_ONE_ABSTRACT = frozenset({"graphical", "teaser", "precis", "plain-language-summary", "key-points", "toc"})


def _jats(element: Any) -> Iterator[Entry | Problem]:
    # A graphical abstract or a teaser is none; and a translation would be a second one.
    for path in ("front/article-meta/abstract", "front-stub/abstract"):
        for number, abstract in enumerate(list(find(element, path))):
            if number and abstract.get("abstract-type") in _ONE_ABSTRACT and abstract.getparent() is not None:
                abstract.getparent().remove(abstract)
    yield _JATS.entry(element)


_TEI_HEADER = "teiHeader/fileDesc"
_TEI = Fields(
    title=(
        f"{_TEI_HEADER}/titleStmt/title[@type='main']",
        f"{_TEI_HEADER}/titleStmt/title",
        f"{_TEI_HEADER}/sourceDesc/biblStruct/analytic/title",
    ),
    abstract=("teiHeader/profileDesc/abstract",),
    id=(
        f"{_TEI_HEADER}/sourceDesc/biblStruct/idno[@type='arXiv']",
        f"{_TEI_HEADER}/sourceDesc/biblStruct/idno[@type='PMID']",
    ),
    year=(
        f"{_TEI_HEADER}/sourceDesc/biblStruct/monogr/imprint/date/@when",
        f"{_TEI_HEADER}/sourceDesc/biblStruct/monogr/imprint/date",
        f"{_TEI_HEADER}/publicationStmt/date/@when",
        f"{_TEI_HEADER}/publicationStmt/date",
    ),
    venue=(f"{_TEI_HEADER}/sourceDesc/biblStruct/monogr/title", f"{_TEI_HEADER}/sourceDesc/biblStruct/monogr/meeting"),
    authors=(f"{_TEI_HEADER}/sourceDesc/biblStruct/analytic/author", f"{_TEI_HEADER}/titleStmt/author"),
    dois=(
        f"{_TEI_HEADER}/sourceDesc/biblStruct/idno[@type='DOI']",
        f"{_TEI_HEADER}/sourceDesc/biblStruct/analytic/idno[@type='DOI']",
        f"{_TEI_HEADER}/publicationStmt/idno[@type='DOI']",
    ),
    keywords=("teiHeader/profileDesc/textClass/keywords/term", "teiHeader/profileDesc/textClass/keywords"),
)
_DBLP_RECORDS = (
    "article",
    "inproceedings",
    "proceedings",
    "book",
    "incollection",
    "phdthesis",
    "mastersthesis",
    "data",
)
_DBLP = Fields(
    title=("title",),
    id=("./@key",),
    year=("year",),
    venue=("journal", "booktitle", "series", "school", "publisher"),
    authors=("author", "editor"),
    dois=("ee",),
    url=("ee", "url"),
)
_HOMONYM = re.compile(r" \d{4}\Z")


def _dblp(element: Any) -> Iterator[Entry | Problem]:
    entry = _DBLP.entry(element)
    authors = [_HOMONYM.sub("", person) for person in entry.metadata["authors"] if isinstance(person, str)]
    yield entry._replace(metadata={**entry.metadata, "authors": authors, "type": local_name(element)})


_MODS = Fields(
    title=("titleInfo/title",),
    subtitle=("titleInfo/subTitle",),
    abstract=("abstract",),
    id=("identifier[@type='doi']", "identifier[@type='citekey']", "./@ID", "recordInfo/recordIdentifier", "identifier"),
    year=(
        "originInfo/dateIssued",
        "relatedItem/part/date",
        "relatedItem/originInfo/dateIssued",
        "originInfo/copyrightDate",
        "part/date",
    ),
    venue=("relatedItem[@type='host']/titleInfo/title", "originInfo/publisher"),
    authors=("name",),
    dois=("identifier", "location/url"),
    keywords=("subject/topic",),
    url=("location/url",),
    type=("genre",),
)
_ENDNOTE = Fields(
    title=("titles/title", "titles/alt-title"),
    abstract=("abstract",),
    id=("accession-num", "label"),
    local=True,
    year=("dates/year", "dates/pub-dates/date"),
    venue=("titles/secondary-title", "periodical/full-title", "periodical/abbr-1", "titles/tertiary-title"),
    authors=("contributors/authors/author",),
    dois=("electronic-resource-num", "urls/related-urls/url"),
    keywords=("keywords/keyword",),
    url=("urls/related-urls/url", "urls/web-urls/url"),
    type=("ref-type/@name",),
)
_REFWORKS = Fields(
    title=("t1", "ti"),
    abstract=("ab",),
    id=("an",),
    local=True,
    year=("yr", "fd"),
    venue=("jf", "jo", "t2"),
    authors=("a1", "au"),
    dois=("do", "ul", "lk"),
    keywords=("k1",),
    url=("ul",),
    type=("rt",),
)
_OF_CORPORA = frozenset({"teiHeader"})

_OF_CHANNELS = frozenset(
    {"channel", "title", "link", "description", "docs", "language", "lastBuildDate", "pubDate", "managingEditor"}
    | {"copyright", "generator", "image", "url", "items", "Seq", "li", "day", "skipDays", "skipHours", "hour", "ttl"}
    | {"category", "webMaster", "publisher", "creator", "date", "rights", "subject", "updatePeriod", "updateBase"}
    | {"updateFrequency", "width", "height", "name", "textInput", "issn", "publicationName"}
)
_OF_FEEDS = frozenset(
    {"title", "id", "updated", "link", "author", "category", "generator", "icon", "logo", "rights", "subtitle"}
    | {"totalResults", "startIndex", "itemsPerPage", "published", "name", "email", "uri"}
)

XML_DIALECTS = (
    Dialect(
        "endnote-xml", frozenset({"xml", "records"}), ("record",), partial(_of, _ENDNOTE), re.compile(rb"<record[\s>]")
    ),
    Dialect(
        "atom",
        frozenset({"feed"}),
        ("entry",),
        partial(_of, _ATOM),
        around=_OF_FEEDS,
    ),
    Dialect(
        "rss",
        frozenset({"rss", "RDF"}),
        ("item",),
        _rss,
        re.compile(rb"<(?:rss|item|channel)[\s>]"),
        around=_OF_CHANNELS,
    ),
    Dialect(
        "oai",
        frozenset({"OAI-PMH", "ListRecords"}),
        ("record",),
        _oai,
        around=frozenset({"responseDate", "request", "resumptionToken", "ListRecords"}),
    ),
    Dialect(
        "jats",
        frozenset({"article", "pmc-articleset", "articles"}),
        ("article",),
        _jats,
        re.compile(rb"<(?:front|front-stub|article-meta)[\s>]"),
        skipped=("body", "back", "sub-article", "response", "floats-group"),
    ),
    Dialect(
        "tei",
        frozenset({"TEI", "teiCorpus"}),
        ("TEI",),
        partial(_of, _TEI),
        skipped=("text", "facsimile", "encodingDesc"),
        around=_OF_CORPORA,
    ),
    Dialect("dblp-xml", frozenset({"dblp"}), _DBLP_RECORDS, _dblp, entities=True, around=frozenset({"www", "person"})),
    Dialect("mods", frozenset({"mods", "modsCollection"}), ("mods",), partial(_of, _MODS)),
    Dialect("refworks-xml", frozenset({"refworks"}), ("reference",), partial(_of, _REFWORKS)),
)
XML = tuple(dialect.format() for dialect in XML_DIALECTS)
