"""Small files that ask for much memory, one or more for each format, and a process that reads one under a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import resource
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

LIMIT = 2**30
"""Bytes that a reader may ask for beyond what its libraries take when they are imported."""

MIB = 2**20
Bomb: TypeAlias = Callable[[Path], Path]
"""Writes a file into a folder."""


def _text(name: str, *parts: str | tuple[str, int]) -> Bomb:
    """Return what writes a file of parts, some of them many times over."""

    def write(folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as file:
            file.writelines(_chunks(parts))
        return path

    return write


def _packed(pack: Callable[[Path], BinaryIO], *parts: str | tuple[str, int]) -> Bomb:
    """Return what writes such a file compressed."""

    def write(folder: Path) -> Path:
        path = folder / "a.bib.packed"
        with pack(path) as file:
            file.writelines(_chunks(parts))
        return path

    return write


def _chunks(parts: tuple[str | tuple[str, int], ...]) -> Iterator[bytes]:
    for part in parts:
        text, times = (part, 1) if isinstance(part, str) else part
        at_once = max(1, min(times, MIB // len(text.encode())))
        yield from repeat((text * at_once).encode(), times // at_once)
        yield (text * (times % at_once)).encode()


def _bibtex_multiplies(folder: Path) -> Path:
    macros = ['@string{a0 = "xxxxxxxxxx"}', *(f"@string{{a{n + 1} = {' # '.join([f'a{n}'] * 10)}}}" for n in range(12))]
    path = folder / "multiplies.bib"
    path.write_text("\n".join([*macros, "@article{k, title = a12}\n@article{l, title = {The next one}}\n"]))
    return path


_FIELDS = ", ".join(f"f{number} = a # {{x}}" for number in range(150))
_HALF = '@string{half = "' + "x" * (MIB // 2) + '"}\n'


def _numbered(name: str, head: str, record: Callable[[int], str], count: int, tail: str = "") -> Bomb:
    """Return what writes records that each differ."""

    def write(folder: Path) -> Path:
        path = folder / name
        with path.open("w") as file:
            file.write(head)
            file.writelines(map(record, range(count)))
            file.write(tail)
        return path

    return write


def _parquet(folder: Path, rows: int = 256, nested: bool = False, mib: int = 50, items: int = 1) -> Path:
    import pyarrow
    from pyarrow import parquet

    path = folder / "dictionary.parquet"
    text = "x" * (mib * MIB)
    words = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * (rows * items), pyarrow.int32()), [text])
    column = words
    if nested:
        offsets = pyarrow.array(range(0, rows * items + 1, items), pyarrow.int32())
        column = pyarrow.ListArray.from_arrays(offsets, words)
    table = pyarrow.table({"title": ["Owls"] * rows if nested else column, "authors" if nested else "id": column})
    if not nested:
        table = table.drop_columns(["id"])
    parquet.write_table(table, path, compression="zstd", dictionary_pagesize_limit=2**31 - 1, store_schema=False)
    return path


def _parquet_list(folder: Path) -> Path:
    import pyarrow
    from pyarrow import parquet

    path = folder / "list.parquet"
    item = pyarrow.array([0]).take(pyarrow.array([0] * 60_000_000, pyarrow.int32()))
    column = pyarrow.ListArray.from_arrays([0, len(item)], item)
    parquet.write_table(pyarrow.table({"title": ["Owls"], "numbers": column}), path, compression="zstd")
    return path


def _xlsx(member: str, head: str, unit: str, times: int, tail: str) -> Bomb:
    """Return what writes a spreadsheet one of whose files is huge."""

    def write(folder: Path) -> Path:
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(["Title", "Abstract"])
        book.active.append(["Owls", "They see"])
        whole = io.BytesIO()
        book.save(whole)
        path = folder / "sheet.xlsx"
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for name in old.namelist():
                if name != member:
                    new.writestr(name, old.read(name))
            with new.open(member, "w", force_zip64=True) as file:
                file.writelines(_chunks((head, (unit, times), tail)))
        return path

    return write


_SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def _zotero(statements: str) -> Bomb:
    """Return what writes a data base of Zotero's, changed."""

    def write(folder: Path) -> Path:
        path = folder / "zotero.sqlite"
        with sqlite3.connect(path) as database:
            database.executescript(ZOTERO + statements)
        database.close()
        return path

    return write


ZOTERO = """
    create table libraries(a); create table items(itemID, itemTypeID, key); create table deletedItems(itemID);
    create table itemTypes(itemTypeID, typeName); create table fields(fieldID, fieldName);
    create table itemData(itemID, fieldID, valueID); create table itemDataValues(valueID, value);
    create table creators(creatorID, firstName, lastName); create table tags(tagID, name);
    create table creatorTypes(creatorTypeID, creatorType); create table itemTags(itemID, tagID);
    create table itemCreators(itemID, creatorID, creatorTypeID, orderIndex);
    insert into itemTypes values (1, 'journalArticle'); insert into fields values (1, 'title'), (2, 'abstractNote');
    insert into items values (1, 1, 'AB12CD34'), (2, 1, 'EF56AB78');
    insert into itemData values (1, 1, 1), (1, 2, 2), (2, 1, 1); insert into creatorTypes values (1, 'author');
    insert into itemDataValues values (1, 'Owls');
"""
_COUNT = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {0})"
_ARTICLE = "<PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>Owls</ArticleTitle></Article>"
_ENTITIES = '<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx">' + "".join(
    f'<!ENTITY b{n} "{("&b" + (str(n - 1) if n else "") + ";") * 10}">' for n in range(10)
)


def _gzip(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "wb", compresslevel=1))


def _bzip2(path: Path) -> BinaryIO:
    return cast("BinaryIO", bz2.open(path, "wb", compresslevel=1))


def _zstandard(path: Path) -> BinaryIO:
    from backports import zstd

    return cast("BinaryIO", zstd.open(path, "wb"))


BOMBS: dict[str, Bomb] = {
    **{
        f"bibtex: compressed by {name}": _packed(pack, "@article{k, title={A}}", (" ", 2**30))
        for name, pack in {"gzip": _gzip, "bzip2": _bzip2, "zstd": _zstandard}.items()
    },
    "bibtex: macros that multiply": _bibtex_multiplies,
    "bibtex: many large macros": _numbered(
        "a.bib", _HALF, lambda n: f"@string{{m{n} = half # half}}\n", 20_000, "@article{a, title={A}}\n"
    ),
    "bibtex: a large macro in many fields": _numbered(
        "a.bib", f"{_HALF}@article{{k, title={{T}}", lambda n: f", f{n} = half # half\n", 4000, "}\n"
    ),
    "bibtex: parents without end": _numbered(
        "a.bib", '@string{a = "' + "a" * 400 + '"}\n', lambda n: f"@book{{p{n}, {_FIELDS}}}\n", 2500,
    ),
    "bibtex: xdata without end": _numbered(
        "a.bib", "", lambda n: f"@xdata{{p{n}, note = {{{n}{'x' * 200_000}}}}}\n", 400
    ),
    "bibtex: fields without end": _text("a.bib", "@article{k", (", a={}", 2_500_000), "}\n"),
    "bibtex: braces without end": _text("a.bib", "@article{k, volume={", ("{}", 7_500_000), "}}\n"),
    "bibtex: formulas without end": _text("a.bib", "@article{k, volume={", (r"$\a$", 3_500_000), "}}\n"),
    "bibtex: authors without end": _text("a.bib", "@article{k, author={", ("A and ", 2_600_000), "}}\n"),
    "bibtex: empty lines without end": _text("a.bib", "@article{k, title={A}}", ("\n", 8 * MIB)),
    "jsonl: empty lists without end": _text("a.jsonl", '{"title": "A", "x": [', ("[],", 5_000_000), "[]]}\n"),
    "jsonl: ever new keys": _numbered(
        "a.jsonl", "", lambda n: json.dumps({"title": "A"} | {f"key {n} {i}": 0 for i in range(20_000)}) + "\n", 100
    ),
    "jsonl: an inverted index": _text(
        "a.jsonl", '{"id": "https://openalex.org/W1", "display_name": "A", "abstract_inverted_index": {"',
        ("x", 10 * MIB), '": [', ("0,", 500_000), "0]}}\n",
    ),
    "jsonl: authors without end": _text("a.jsonl", '{"title": "A", "authors": "', ("A; ", 5_000_000), '"}\n'),
    "jsonl: nested": _text("a.jsonl", '{"title": "A", "x": ', ("[", 4 * MIB), ("]", 4 * MIB), "}\n"),
    "jsonl: a list as text": _text("a.jsonl", '{"title": "A", "keywords": "[', ("[],", 5_000_000), '[]]"}\n'),
    "jsonl: formulas without end": _text("a.jsonl", '{"title": "A", "venue": "', (r"$\\a$", 3_000_000), '"}\n'),
    "json: an array that never ends": _text("a.json", '[{"title": "A", "x": [', ("1,", 5 * MIB)),
    "csv: a row that never ends": _text("a.csv", "title,abstract\n", ('"A\n",', 8 * MIB)),
    "csv: a line that never ends": _text("a.csv", "title,abstract\n", ("ab,", 12 * MIB)),
    "csv: a header that never ends": _text("a.csv", "title,abstract,", ("ab,", 5_000_000), "\n", ("a,b\n", 9)),
    "csv: a quote that never ends": _text("a.csv", 'title,abstract\n"', ("ab\n", 12 * MIB)),
    "ris: a record that never ends": _text("a.ris", "TY  - JOUR\nTI  - A\n", ("KW  -\n", 8 * MIB)),
    "ris: lines that go on": _text("a.ris", "TY  - JOUR\nTI  - A\n", ("x\n", 12 * MIB)),
    "ris: text between records": _text("a.ris", "TY  - JOUR\nTI  - A\nER  - \n", ("x\n", 12 * MIB)),
    "medline: a record that never ends": _text("a.nbib", "PMID- 1\nTI  - A\n", ("FAU - A\n", 5 * MIB)),
    "endnote: a record that never ends": _text("a.enw", "%0 Book\n%T A\n", ("%A A\n", 8 * MIB)),
    "webofscience: a record that never ends": _text("a.ciw", "FN X\nVR 1.0\nPT J\nTI A\n", ("AU A\n", 8 * MIB)),
    "refworks: a record that never ends": _text("a.txt", "RT Journal\nT1 A\n", ("A1 A\n", 8 * MIB)),
    "pubmed: empty elements after each": _text(
        "a.xml", "<PubmedArticleSet>",
        *((f"{_ARTICLE}</MedlineCitation></PubmedArticle>", 1), ("<a/>", 10 * MIB // 8)) * 5,
        "</PubmedArticleSet>",
    ),
    "pubmed: empty elements within": _text("a.xml", f"<PubmedArticleSet>{_ARTICLE}", ("<a/>", 5 * MIB)),
    "pubmed: attributes": _numbered(
        "a.xml", f"<PubmedArticleSet>{_ARTICLE}<b ", lambda n: f"a{n}='' ", 1_200_000, "/></MedlineCitation>"
    ),
    "pubmed: a text that never ends": _text("a.xml", "<PubmedArticleSet><PubmedArticle>", ("x", 28 * MIB)),
    "pubmed: a comment that never ends": _text("a.xml", "<PubmedArticleSet><!--", ("x", 28 * MIB)),
    "pubmed: nested": _text("a.xml", f"<PubmedArticleSet>{_ARTICLE}", ("<i>", 12 * MIB)),
    "pubmed: entities": _text("a.xml", f"{_ENTITIES}]><PubmedArticleSet>{_ARTICLE}&b9;"),
    "endnote-xml: entities": _text("a.xml", f"{_ENTITIES}]><xml><records><record><title>&b9;</title></record>"),
    "jats: entities": _text("a.xml", f"{_ENTITIES}]><article><front>&b9;</front></article>"),
    "tei: entities": _text("a.xml", f"{_ENTITIES}]><TEI><teiHeader>&b9;</teiHeader></TEI>"),
    "jats: a body that never ends": _text("a.xml", "<article><front/><body>", ("<p>a</p>", 5 * MIB)),
    "tei: text that never ends": _text("a.xml", "<TEI><teiHeader/><text>", ("<p>a</p>", 5 * MIB)),
    "atom: nested": _text("a.xml", "<feed xmlns='http://www.w3.org/2005/Atom'><entry>", ("<a>", 12 * MIB)),
    "rss: empty elements": _text("a.xml", "<rss><channel>", ("<a/>", 8 * MIB)),
    "oai: empty elements": _text("a.xml", "<OAI-PMH><ListRecords><record>", ("<a/>", 8 * MIB)),
    "mods: names without end": _text("a.xml", "<modsCollection><mods>", ("<name/>", 5 * MIB)),
    "refworks-xml: empty elements": _text("a.xml", "<refworks><reference>", ("<a/>", 8 * MIB)),
    "dblp-xml: authors without end": _text("a.xml", "<dblp><article key='a'>", ("<author>A</author>", 12 * MIB)),
    "parquet: a dictionary": _parquet,
    "parquet: a dictionary in a list": lambda folder: _parquet(folder, rows=100, nested=True, mib=20, items=5),
    "parquet: a list": _parquet_list,
    "xlsx: shared texts": _xlsx(
        "xl/sharedStrings.xml", f"<sst {_SHEET}>", "<si><t>x</t></si>", 5 * MIB, "</sst>"
    ),
    "xlsx: a row": _xlsx(
        "xl/worksheets/sheet1.xml", f"<worksheet {_SHEET}><sheetData><row>", "<c/>", 8 * MIB,
        "</row></sheetData></worksheet>",
    ),
    "xlsx: a cell": _xlsx(
        "xl/worksheets/sheet1.xml", f'<worksheet {_SHEET}><sheetData><row><c t="inlineStr"><is><t>', "x", 28 * MIB,
        "</t></is></c></row></sheetData></worksheet>",
    ),
    "xlsx: styles": _xlsx(
        "xl/styles.xml", f"<styleSheet {_SHEET}><fonts>", "<font/>", 5 * MIB, "</fonts></styleSheet>"
    ),
    "zotero-sqlite: a giant cell": _zotero("insert into itemDataValues values (2, hex(zeroblob(300000000)));"),
    "zotero-sqlite: a giant blob": _zotero("insert into itemDataValues values (2, zeroblob(900000000));"),
    "zotero-sqlite: tags without end": _zotero(
        f"insert into tags values (1, 'a'); {_COUNT.format(5_000_000)} insert into itemTags select 1, 1 from n;"
    ),
    "zotero-sqlite: a table that is a view": _zotero(
        "drop table itemTags; create view itemTags as with recursive n(i) as (select 1 union all select i + 1 from n) "
        "select 1 as itemID, i as tagID from n;"
    ),
}  # fmt: skip
"""What each is called, with its format first."""


def main(path: str) -> None:
    """Read a file with no more than `LIMIT` bytes beyond what is there, and print what came of it."""
    import openpyxl  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from specter2_plugins.errors import PaperError
    from specter2_plugins.readers import Rejected, read_records
    from tests.readers.helpers import DATA

    for sample in ("library.bib", "arxiv.jsonl", "pubmed.xml"):
        list(read_records(DATA / sample))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    papers, rejected = 0, 0
    said = ""
    try:
        for record in read_records(path):
            if isinstance(record, Rejected):
                rejected += 1
                said = said or f"rejected {record}"
            else:
                papers += 1
    except PaperError as error:
        said = f"refused {error}"
    peak = next(
        int(line.split()[1]) >> 10
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    sys.stdout.write(f"{papers} papers, {rejected} rejected, {peak} MiB, {said}\n")


if __name__ == "__main__":
    main(sys.argv[1])
