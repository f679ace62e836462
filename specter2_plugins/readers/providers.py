"""What the providers of papers call their fields: data, the same for JSON, CSV, Parquet and spreadsheets.

A path leads into nested objects and through lists, and is the name of a column where a table was made of them. Several
paths joined with " + " are read together; of the paths in a tuple the first that has something counts.

Sources: each provider's documentation of its records, named beside its entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Provider:
    """A provider's records.

    Args:
        name: What the user calls the provider.
        signs: Keys, several with spaces between them; a record with all of one of them is of this provider.
        paths: For each name of ours, and each that is to be kept under a name of ours, where it lies; best first.
        bulky: Whether records hold much that is of no use: then only texts, numbers and truth values are kept of what
            no path names.
        folded: Whether the provider spells the same keys in several ways; then they are read and kept in lower case.
        constants: What holds for all records.
        spread: A key whose object holds more fields of the record.
        spaced: Names of ours whose values stand between spaces.
    """

    name: str
    signs: tuple[str, ...]
    paths: Mapping[str, tuple[str, ...]]
    bulky: bool = True
    folded: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)
    spread: str = ""
    spaced: tuple[str, ...] = ()

    def matches(self, keys: frozenset[str]) -> bool:
        """Return whether records with these keys are this provider's."""
        return any(set(sign.split()) <= keys for sign in self.signs)


PROVIDERS = (
    # https://www.kaggle.com/datasets/Cornell-University/arxiv
    Provider(
        "arxiv",
        ("authors_parsed categories",),
        {
            # update_date can be decades later than the first version.
            "year": ("versions.0.created", "update_date"),
            "authors": ("authors_parsed", "authors"),
            "fields": ("categories",),
        },
        constants={"venue": "arXiv", "url": "https://arxiv.org/abs/{id}"},
        spaced=("fields",),
    ),
    # https://docs.openalex.org/api-entities/works/work-object
    Provider(
        "openalex",
        ("abstract_inverted_index", "authorships", "primary_location", "host_venue"),
        {
            "title": ("title", "display_name"),
            "abstract": ("abstract_inverted_index", "abstract"),
            "year": ("publication_year",),
            "venue": (
                "primary_location.source.display_name",
                "host_venue.display_name",
                "locations.0.source.display_name",
            ),
            "authors": ("authorships.author.display_name", "authorships.raw_author_name"),
            "fields": (
                "topics.field.display_name + topics.subfield.display_name + topics.display_name",
                "concepts.display_name",
            ),
            "keywords": ("keywords.display_name", "keywords.keyword"),
            "url": ("primary_location.landing_page_url", "id"),
        },
    ),
    # https://api.semanticscholar.org/api-docs/ (graph and datasets)
    Provider(
        "semanticscholar",
        ("corpusid", "corpusId", "paperId", "externalIds", "s2FieldsOfStudy"),
        {
            "id": ("corpusid", "paperid"),
            "venue": ("venue", "publicationvenue.name", "journal.name"),
            "authors": ("authors.name", "authors"),
            "fields": ("s2fieldsofstudy.category", "fieldsofstudy"),
            "doi": ("externalids.DOI", "externalids.doi", "doi"),
            "type": ("publicationtypes.0", "type"),
            "publicationtypes": ("publicationtypes",),
            "arxiv": ("externalids.ArXiv", "externalids.arxiv"),
            "pmid": ("externalids.PubMed", "externalids.pubmed"),
        },
        folded=True,
    ),
    # https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
    Provider("beir", ("_id text metadata",), {"id": ("_id",), "abstract": ("text",)}, bulky=False, spread="metadata"),
    # https://api.crossref.org/swagger-ui/index.html
    Provider(
        "crossref",
        ("DOI container-title issued", "DOI title deposited", "DOI publisher indexed", "DOI title container-title URL"),
        {
            "id": ("DOI",),
            "doi": ("DOI",),
            "title": ("title.0", "title", "container-title.0"),
            "subtitle": ("subtitle.0", "subtitle"),
            "year": ("issued", "published", "published-print", "published-online", "created"),
            "venue": ("container-title.0", "container-title", "event.name", "event-title", "institution.0.name"),
            "authors": ("author",),
            "fields": ("subject",),
            "keywords": ("keyword",),
            "url": ("URL",),
        },
    ),
    # https://schema.datacite.org and https://support.datacite.org/docs/api
    Provider(
        "datacite",
        ("titles creators", "titles publicationYear", "titles descriptions"),
        {
            "id": ("doi", "id", "identifiers.0.identifier"),
            "title": ("titles.0.title",),
            "abstract": ("descriptions[descriptionType=Abstract].0.description", "descriptions.0.description"),
            "year": ("publicationYear", "dates.0.date"),
            "venue": ("container.title", "publisher.name", "publisher"),
            "authors": ("creators",),
            "keywords": ("subjects.subject",),
            "type": ("types.resourceTypeGeneral", "types.resourceType"),
        },
    ),
    # https://docs.citationstyles.org/en/stable/specification.html (CSL-JSON, also Zotero's and Better BibTeX's)
    Provider(
        "csl",
        (
            "type title issued",
            "type title container-title",
            "title citation-key",
            "type title accessed",
            "id type title author",
        ),
        {
            "title": ("title.0", "title"),
            "year": ("issued", "original-date", "date", "year"),
            "venue": ("container-title.0", "container-title", "event-title", "event", "venue", "journal", "publisher"),
            "authors": ("author", "authors"),
            "keywords": ("keyword", "keywords"),
            "citation-key": ("citation-key", "citationKey"),
        },
        bulky=False,
    ),
    # https://www.zotero.org/support/dev/web_api/v3/basics and Better BibTeX's JSON
    Provider(
        "zotero",
        ("itemType creators", "itemType title", "itemType itemKey"),
        {
            "id": ("citationKey", "citekey", "key", "itemKey"),
            "abstract": ("abstractNote",),
            "year": ("date",),
            "venue": ("publicationTitle", "proceedingsTitle", "bookTitle", "conferenceName", "university", "publisher"),
            "authors": ("creators",),
            "keywords": ("tags.tag", "tags"),
            "type": ("itemType",),
            "date": ("date",),
        },
    ),
    # https://europepmc.org/RestfulWebService
    Provider(
        "europepmc",
        ("abstractText authorString", "pmid authorString", "source authorString title"),
        {
            "id": ("pmid", "id"),
            "abstract": ("abstractText",),
            "year": ("pubYear", "firstPublicationDate"),
            "venue": ("journalInfo.journal.title", "journalTitle", "bookOrReportDetails.publisher"),
            "authors": ("authorList.author.fullName", "authorString"),
            "keywords": ("keywordList.keyword",),
            "fields": ("meshHeadingList.meshHeading.descriptorName",),
        },
    ),
    # https://api.openreview.net (API 2 puts every field under .value)
    Provider(
        "openreview",
        ("content forum", "content invitation", "content invitations", "id content"),
        {
            "title": ("content.title.value", "content.title"),
            "abstract": ("content.abstract.value", "content.abstract"),
            "authors": ("content.authors.value", "content.authors"),
            "keywords": ("content.keywords.value", "content.keywords"),
            "venue": ("content.venue.value", "content.venue"),
            "year": ("content.year.value", "content.year", "content.venue.value", "content.venue"),
        },
    ),
    # https://webofscience.help.clarivate.com (field tags, as the header of tab-delimited files)
    Provider(
        "wos",
        ("PT AU TI", "TI SO UT", "AU TI SO PY"),
        {
            "id": ("UT", "DI", "PM"),
            "title": ("TI",),
            "abstract": ("AB",),
            "year": ("PY", "EY", "EA", "PD"),
            "venue": ("SO", "CT", "SE"),
            "authors": ("AF", "AU", "CA", "GP"),
            "fields": ("WC", "SC"),
            "keywords": ("DE + ID",),
            "doi": ("DI", "D2"),
            "type": ("DT", "PT"),
            "pmid": ("PM",),
        },
        bulky=False,
    ),
    # https://dblp.org/faq/How+to+use+the+dblp+search+API.html
    Provider(
        "dblp",
        ("@id info", "info @score"),
        {
            "id": ("info.key",),
            "title": ("info.title",),
            "year": ("info.year",),
            "venue": ("info.venue",),
            "authors": ("info.authors.author",),
            "doi": ("info.doi",),
            "url": ("info.ee", "info.url"),
            "type": ("info.type",),
        },
    ),
)

GENERIC: Mapping[str, tuple[str, ...]] = {
    "id": (
        *("id", "paperid", "corpusid", "docid", "eid", "utuniquewosid", "ut", "uniquewosid", "accessionnumber", "key"),
        *("corduid", "publicationid", "openalexid", "citationkey", "citekey", "itemkey", "arxivid", "pmid", "pubmedid"),
        *("pmcid", "lensid", "mendeleyid", "coreid", "accessionno", "an", "recordid"),
    ),
    "title": (
        *("title", "articletitle", "papertitle", "documenttitle", "displayname", "primarytitle", "itemtitle"),
        *("publicationname", "worktitle", "chaptertitle", "titlename", "ti", "titleoriginal", "originaltitle"),
    ),
    "abstract": (
        *("abstract", "text", "summary", "abstractnote", "abstracttext", "abstractnotes", "description", "ab"),
        *("abstractinvertedindex", "paperabstract", "abstracts", "notesabstract"),
    ),
    "year": (
        *(
            "year",
            "publicationyear",
            "pubyear",
            "publishedyear",
            "yearpublished",
            "publyear",
            "py",
            "yearofpublication",
        ),
        *("publicationyearonline", "pubdateyear", "issued"),
    ),
    "venue": (
        *("venue", "journal", "sourcetitle", "publicationtitle", "journaltitle", "booktitle", "containertitle"),
        *("journalbook", "journalname", "sourcename", "proceedingstitle", "conferencetitle", "conferencename"),
        *("journalfullname", "isosourceabbreviation", "publicationvenue", "anthologytitle", "secondarytitle", "so"),
        *("sourcetitleanthologytitle", "journalabbreviation", "hostvenue"),
    ),
    "authors": (
        *("authors", "author", "authorfullnames", "authornames", "creators", "creator", "authorlist", "bookauthors"),
        *("contributors", "authorsfullnames", "authornamesfull", "authorsrawaffiliation", "au", "af", "groupauthors"),
    ),
    "fields": (
        *(
            "fields",
            "fieldsofstudy",
            "s2fieldsofstudy",
            "categories",
            "subjects",
            "concepts",
            "meshterms",
            "meshheadings",
        ),
        *(
            "researchareas",
            "woscategories",
            "subjectareas",
            "fieldsofresearchanzsrc2020",
            "fieldsofresearch",
            "subject",
        ),
    ),
    "doi": ("doi", "doilink", "digitalobjectidentifier", "di", "articledoi", "doiurl", "crossrefdoi"),
    "url": ("url", "link", "urls", "pdflink", "fulltexturl", "links", "articleurl", "landingpageurl", "sourceurl"),
    "keywords": (
        *("keywords", "authorkeywords", "tags", "manualtags", "keyword", "keywordsauthor", "indexkeywords"),
        *("automatictags", "keywordsplus", "indexterms", "ieeeterms", "authorskeywords"),
    ),
    "type": (
        "type",
        "documenttype",
        "itemtype",
        "publicationtype",
        "articletype",
        "doctype",
        "entrytype",
        "contenttype",
    ),
}
"""Names that many exports share, best first, compared without case and punctuation: Scopus, Web of Science, IEEE
Xplore, ACM, Dimensions, Zotero, EBSCO, Ovid, Embase, PubMed's CSV, Lens, CORD-19, Covidence, Rayyan, SciRepEval."""

DATES = (
    "date",
    "publicationdate",
    "published",
    "updatedate",
    "publishtime",
    "publisheddate",
    "coverdate",
    "datepublished",
)
"""Names of dates, which tell the year where nothing else does, and stay what they are."""

LOCAL = frozenset({"id", "key", "docid", "recordid", "an", "recordnumber", "accessionno"})
"""Names that hold an id only where it is no small number: programs count their records under them."""

UNDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("query candidates", ("query", "candidates")),
    ("query pos neg", ("query", "pos", "neg")),
    ("meta results", ("results",)),
    ("data total", ("data",)),
    ("data offset", ("data",)),
    ("data next", ("data",)),
    ("data token", ("data",)),
    ("message", ("message.items", "message")),
    ("resultList", ("resultList.result",)),
    ("hits", ("hits.hits", "hits")),
    ("result", ("result.hits.hit", "result.hits", "result")),
    ("response", ("response.docs", "response.results")),
    ("feed", ("feed.entry",)),
    ("search-results", ("search-results.entry",)),
    ("data attributes", ("data",)),
    *((key, (key,)) for key in ("_source", "attributes", "metadata", "data", "item", "work", "paper")),
    *(
        (key, (key,))
        for key in ("items", "papers", "records", "works", "articles", "documents", "docs", "publications")
    ),
    *(
        (key, (key,))
        for key in ("results", "entries", "references", "notes", "submissions", "recommendedPapers", "search")
    ),
)
"""Keys of objects that hold papers, and where: SciRepEval's searches and triplets, answers of APIs, and exports."""
