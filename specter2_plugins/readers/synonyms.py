"""Names that many exports share for the same field: data, for every format whose names are free."""

from __future__ import annotations

from collections.abc import Mapping

GENERIC: Mapping[str, tuple[str, ...]] = {
    "id": (
        *("id", "paperid", "corpusid", "docid", "eid", "utuniquewosid", "ut", "uniquewosid", "accessionnumber", "key"),
        *("corduid", "publicationid", "openalexid", "citationkey", "citekey", "itemkey", "arxivid", "pmid", "pubmedid"),
        *(
            "pmcid",
            "lensid",
            "bibcode",
            "storeid",
            "aclid",
            "anthologyid",
            "mendeleyid",
            "coreid",
            "accessionno",
            "an",
            "recordid",
        ),
    ),
    "title": (
        *("title", "articletitle", "papertitle", "documenttitle", "displayname", "primarytitle", "itemtitle"),
        *("publicationname", "worktitle", "chaptertitle", "titlename", "ti", "titleoriginal", "originaltitle"),
        *("titel", "título", "titulo", "titre", "titolo"),
    ),
    "abstract": (
        *("abstract", "text", "summary", "abstractnote", "abstracttext", "abstractnotes", "description", "ab"),
        *("abstractinvertedindex", "paperabstract", "abstracts", "notesabstract"),
        *("zusammenfassung", "kurzfassung", "resumen", "resumo", "résumé", "resume", "riassunto"),
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
        *("publicationyearonline", "pubdateyear", "issued", "yearofpub", "jahr", "año", "ano", "année", "anno"),
    ),
    "venue": (
        *("venue", "journal", "sourcetitle", "publicationtitle", "journaltitle", "booktitle", "containertitle"),
        *("journalbook", "journalname", "sourcename", "proceedingstitle", "conferencetitle", "conferencename"),
        *("journalfullname", "isosourceabbreviation", "publicationvenue", "anthologytitle", "secondarytitle", "so"),
        *("sourcetitleanthologytitle", "journalabbreviation", "hostvenue", "pubtitle", "publication", "pub"),
        *("zeitschrift", "revista", "revue", "rivista"),
    ),
    "authors": (
        *("authors", "author", "authorfullnames", "authornames", "creators", "creator", "authorlist", "bookauthors"),
        *("contributors", "authorsfullnames", "authornamesfull", "authorsrawaffiliation", "au", "af", "groupauthors"),
        *("autoren", "autores", "auteurs", "autori"),
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
    "doi": ("doi", "doilink", "digitalobjectidentifier", "di", "articledoi", "doiurl", "crossrefdoi", "itemdoi"),
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
