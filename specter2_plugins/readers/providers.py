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
    # https://github.com/allenai/cord19 (its parses, and S2ORC's)
    Provider(
        "s2orc",
        ("paper_id metadata abstract", "paper_id metadata body_text"),
        {
            "id": ("paper_id",),
            "title": ("metadata.title",),
            "abstract": ("abstract.text", "abstract"),
            "authors": ("metadata.authors",),
            "year": ("metadata.year",),
            "venue": ("metadata.venue",),
            "doi": ("metadata.doi",),
        },
    ),
    # https://doaj.org/api/docs
    Provider(
        "doaj",
        ("bibjson",),
        {
            "title": ("bibjson.title",),
            "abstract": ("bibjson.abstract",),
            "authors": ("bibjson.author",),
            "year": ("bibjson.year",),
            "venue": ("bibjson.journal.title",),
            "doi": ("bibjson.identifier[type=doi].0.id", "bibjson.identifier[type=DOI].0.id"),
            "keywords": ("bibjson.keywords",),
            "url": ("bibjson.link.0.url",),
        },
    ),
    # https://api.archives-ouvertes.fr/docs/search
    Provider(
        "hal",
        ("title_s", "en_title_s"),
        {
            "id": ("halId_s", "docid"),
            "title": ("title_s", "en_title_s"),
            "abstract": ("abstract_s", "en_abstract_s"),
            "authors": ("authFullName_s",),
            "year": ("producedDateY_i", "publicationDateY_i", "producedDate_s"),
            "venue": ("journalTitle_s", "conferenceTitle_s", "bookTitle_s"),
            "doi": ("doiId_s",),
            "keywords": ("keyword_s",),
            "url": ("uri_s",),
            "type": ("docType_s",),
        },
    ),
    # https://github.com/inspirehep/rest-api-doc
    Provider(
        "inspire",
        ("titles abstracts", "titles control_number", "titles arxiv_eprints"),
        {
            "id": ("control_number", "id"),
            "title": ("titles.title",),
            "abstract": ("abstracts.0.value",),
            "authors": ("authors.full_name",),
            "year": ("earliest_date", "preprint_date", "publication_info.year"),
            "venue": ("publication_info.journal_title",),
            "doi": ("dois.0.value",),
            "keywords": ("keywords.value",),
        },
    ),
    # https://docs.api.lens.org/response-scholar.html
    Provider(
        "lens",
        ("lens_id",),
        {
            "id": ("lens_id",),
            "year": ("year_published", "date_published"),
            "venue": ("source.title",),
            "doi": ("external_ids[type=doi].0.value",),
            "pmid": ("external_ids[type=pmid].0.value",),
            "keywords": ("keywords",),
            "type": ("publication_type",),
        },
    ),
    # https://dev.mendeley.com/methods/#documents
    Provider(
        "mendeley",
        ("identifiers source authors", "identifiers title authors"),
        {"venue": ("source",), "doi": ("identifiers.doi",), "pmid": ("identifiers.pmid",), "year": ("year",)},
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

WRAPPERS = ("_source", "attributes", "metadata", "data", "item", "work", "paper")
"""Keys of objects that hold one paper, whose id may be beside it."""

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
    *((key, (key,)) for key in WRAPPERS),
    *(
        (key, (key,))
        for key in ("items", "papers", "records", "works", "articles", "documents", "docs", "publications")
    ),
    *(
        (key, (key,))
        for key in (
            "results",
            "collection",
            "entries",
            "references",
            "notes",
            "submissions",
            "recommendedPapers",
            "search",
        )
    ),
)
"""Keys of objects that hold papers, and where: SciRepEval's searches and triplets, answers of APIs, and exports."""
