"""The formats of reference managers and data bases that consist of tagged lines: a table.

Sources: RIS: https://en.wikipedia.org/wiki/RIS_(file_format); MEDLINE: https://www.nlm.nih.gov/bsd/mms/medlineelements.html;
EndNote's: https://en.wikipedia.org/wiki/EndNote; Web of Science's: its help on field tags; RefWorks': its help on the
tagged format.
"""

from __future__ import annotations

import re

from specter2_plugins.readers.people import initials_first
from specter2_plugins.readers.tagged import Dialect

_CUT_RIS = "not valid RIS: there is no ER at the end, so the reference may be cut off"
_CUT_WOS = "not valid Web of Science: there is no ER at the end, so the record may be cut off"
_KNOWN = (
    rb"TY|ER|T[1-3I]|A[1-5BDNU]|C[1-8ANPY]|D[ABIOP]|E[DPT]|ID|IS|J[2AFO]|K[W1]|L[1-4ABK]|M[1-3]|N[1-2V]|OP|P[BYM]|R[INP]|"
    rb"S[ENPT]|TT|U[1-5RT]|V[LO]|Y[1-2]|BT|CT|H[12]|AV"
)

RIS = Dialect(
    "ris",
    re.compile(rb"(?:\A|[\r\n])(?:TY {1,2}- ?\w|[A-Z][A-Z0-9]  - [^\n]*\n(?:[^\n]*\n){0,200}?ER  -)"),
    (".ris",),
    # As written two spaces stand before the hyphen; where there is one, only tags that exist count as such.
    re.compile(
        rb"[ \t]{0,3}((?:[A-Z][A-Z0-9])(?=  -)|(?:" + _KNOWN + rb")(?=[ \t]?-(?:[ \t]|\r?\Z)))[ \t]{0,2}-[ \t]?(.*)"
    ),
    begins=frozenset({b"TY"}),
    ends=frozenset({b"ER"}),
    ids=("ID", "UT", "AN", "LB"),
    local=frozenset({"ID", "AN", "LB"}),
    title=("TI", "T1", "CT", "BT", "ST", "TT"),
    abstract=("AB", "N2"),
    year=("PY", "Y1", "DA", "Y2"),
    venue=("JO", "JF", "T2", "J2", "JA", "BT", "T3"),
    authors=("AU", "A1"),
    fallback=("A2", "ED", "A3"),
    dois=("DO", "DI", "L3", "UR", "LK", "L2", "M3", "ID"),
    keywords=("KW",),
    url=("UR", "LK", "L2"),
    type=("TY",),
    kept={
        "volume": ("VL", "VO"),
        "number": ("IS",),
        "start_page": ("SP",),
        "end_page": ("EP",),
        "publisher": ("PB",),
        "language": ("LA",),
    },
    separator="\n",
    cut=_CUT_RIS,
)

MEDLINE = Dialect(
    "medline",
    re.compile(rb"(?:\A|[\r\n])PMID ?- ?\d"),
    (".nbib", ".medline"),
    re.compile(rb"([A-Z][A-Z0-9]{1,3}) {0,2}- ?(.*)"),
    begins=frozenset({b"PMID"}),
    ends=frozenset(),
    ids=("PMID", "PMC"),
    title=("TI", "BTI", "CTI", "TT", "VTI"),
    abstract=("AB", "OAB"),
    year=("DP", "DEP", "EDAT"),
    venue=("JT", "TA", "BTI"),
    authors=("FAU", "CN"),
    fallback=("AU", "IR"),
    dois=("LID", "AID", "SO"),
    fields=("MH",),
    keywords=("OT",),
    type=("PT",),
    kept={"language": ("LA",), "pmcid": ("PMC",), "volume": ("VI",), "number": ("IP",), "pages": ("PG",)},
    turn=initials_first,
)

ENDNOTE = Dialect(
    "endnote",
    re.compile(rb"(?:\A|[\r\n])%0 \w|\A\s*%[A-Z] [^\n]*\n%[A-Z0-9@] "),
    (".enw", ".refer"),
    re.compile(rb"%([0-9A-Z@!?#$&()*+<>^~\[\]='\"|])(?:\s(.*)|\Z)()"),
    begins=frozenset({b"0"}),
    ends=frozenset(),
    ids=("M", "F", "L"),
    local=frozenset({"M", "F", "L"}),
    title=("T", "Q", "!"),
    abstract=("X",),
    year=("D", "8"),
    venue=("J", "B", "S", "C", "I"),
    authors=("A",),
    fallback=("E",),
    dois=("R", "U", "M"),
    keywords=("K",),
    url=("U",),
    type=("0",),
    kept={
        "volume": ("V",),
        "number": ("N",),
        "pages": ("P",),
        "publisher": ("I",),
        "language": ("G",),
    },
    line_is_value=frozenset({"K", "A"}),
)

WOS = Dialect(
    "webofscience",
    re.compile(rb"\A\s*FN [^\n]*\n\s*VR |(?:\A|[\r\n])PT [A-Z]\s*[\r\n]+(?:AU|BA|TI|GP|CA|AF) "),
    (".ciw", ".isi"),
    re.compile(rb"([A-Z][A-Z0-9])(?: (?! - )(.*)|\s*\Z)()"),
    begins=frozenset({b"PT"}),
    ends=frozenset({b"ER"}),
    around=frozenset({b"FN", b"VR", b"EF"}),
    ids=("UT", "DI", "PM"),
    title=("TI",),
    abstract=("AB",),
    year=("PY", "EY", "EA", "PD"),
    venue=("SO", "CT", "SE"),
    authors=("AF", "CA", "GP"),
    fallback=("AU", "BA", "BE"),
    dois=("DI", "D2"),
    fields=("WC", "SC"),
    keywords=("DE", "ID"),
    type=("DT",),
    kept={"volume": ("VL",), "number": ("IS",), "language": ("LA",), "publisher": ("PU",), "pmid": ("PM",)},
    line_is_value=frozenset({"AF", "AU", "BA", "BE", "CA", "GP"}),
    cut=_CUT_WOS,
)

REFWORKS = Dialect(
    "refworks",
    re.compile(rb"(?:\A|[\r\n])RT [A-Z][^\n]*\n[A-Z][A-Z0-9] "),
    (".refworks", ".rwf"),
    re.compile(rb"([A-Z][A-Z0-9])(?: (?! - )(.*)|\s*\Z)()"),
    begins=frozenset({b"RT"}),
    ends=frozenset(),
    ids=("AN", "ID"),
    local=frozenset({"ID", "AN"}),
    title=("T1", "TI"),
    abstract=("AB",),
    year=("YR", "FD"),
    venue=("JF", "JO", "T2", "T3"),
    authors=("A1", "AU"),
    fallback=("A2",),
    dois=("DO", "UL", "LK"),
    keywords=("K1",),
    url=("UL", "LK"),
    type=("RT",),
    kept={"volume": ("VO",), "number": ("IS",), "publisher": ("PB",), "language": ("LA",)},
)

TAGGED = tuple(dialect.format() for dialect in (RIS, MEDLINE, ENDNOTE, WOS, REFWORKS))
