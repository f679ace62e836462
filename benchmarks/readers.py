"""Measure the peak memory of reading a file of each format, each in a process of its own.

python benchmarks/readers.py --count 100000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ABSTRACT = "We measure how owls hunt at night, and what they see of their prey from above. " * 12
# What begins a file, a record with its number, and what ends the file.
FORMATS = {
    "jsonl": ("", '{{"id": "owl{n}", "title": "Owls {n}", "abstract": "{a}"}}\n', ""),
    "json-array": ("[", '{{"id": "owl{n}", "title": "Owls {n}", "abstract": "{a}"}},\n', "null]"),
    "json-object": ('{"data": [', '{{"id": "owl{n}", "title": "Owls {n}", "abstract": "{a}"}},\n', "null]}"),
    "csv": ("id,title,abstract\n", 'owl{n},"Owls {n}","{a}"\n', ""),
    "bibtex": ("", "@article{{owl{n},\n title = {{Owls {n}}},\n abstract = {{{a}}},\n year = 2020\n}}\n", ""),
    "ris": ("", "TY  - JOUR\nTI  - Owls {n}\nAB  - {a}\nDO  - 10.1000/owl.{n}\nER  - \n", ""),
    "medline": ("", "PMID- {n}\nTI  - Owls {n}\nAB  - {a}\n\n", ""),
    "endnote": ("", "%0 Journal Article\n%T Owls {n}\n%X {a}\n\n", ""),
    "webofscience": ("FN Clarivate\nVR 1.0\n", "PT J\nTI Owls {n}\nAB {a}\nUT WOS:{n}\nER\n\n", "EF\n"),
    "refworks": ("", "RT Journal\nT1 Owls {n}\nAB {a}\n\n", ""),
    "pubmed": (
        "<PubmedArticleSet>",
        "<PubmedArticle><MedlineCitation><PMID>{n}</PMID><Article><ArticleTitle>Owls {n}</ArticleTitle>"
        "<Abstract><AbstractText>{a}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>\n",
        "</PubmedArticleSet>",
    ),
    "atom": (
        "<feed xmlns='http://www.w3.org/2005/Atom'>",
        "<entry><id>http://arxiv.org/abs/{n}</id><title>Owls {n}</title><summary>{a}</summary></entry>\n",
        "</feed>",
    ),
    "jats": (
        "<pmc-articleset>",
        "<article><front><article-meta><title-group><article-title>Owls {n}</article-title></title-group>"
        "<abstract><p>{a}</p></abstract></article-meta></front><body><p>{a}</p></body></article>\n",
        "</pmc-articleset>",
    ),
    "dblp-xml": ("<dblp>", "<article key='journals/owl/{n}'><title>Owls {n}</title></article>\n", "</dblp>"),
    "mods": (
        "<modsCollection xmlns='http://www.loc.gov/mods/v3'>",
        "<mods><titleInfo><title>Owls {n}</title></titleInfo><abstract>{a}</abstract></mods>\n",
        "</modsCollection>",
    ),
    "endnote-xml": (
        "<xml><records>",
        "<record><titles><title>Owls {n}</title></titles><abstract>{a}</abstract></record>\n",
        "</records></xml>",
    ),
}
READ = """
import resource, sys
from specter2_plugins import Paper
from specter2_plugins.readers import read_records
count = sum(isinstance(record, Paper) for record in read_records(sys.argv[1]))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write(path: Path, name: str, count: int) -> None:
    """Write a file of so many records of a format."""
    head, record, tail = FORMATS[name]
    with path.open("w") as file:
        file.write(head)
        file.writelines(record.format(n=10_000_000 + number, a=ABSTRACT) for number in range(count))
        file.write(tail)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="Records of each file.")
    count = parser.parse_args().count
    print("| Format | File, MB | Papers read | Peak memory, MiB |\n|---|---|---|---|")
    for name in FORMATS:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "papers"
            write(path, name, count)
            output = subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True)
            read, peak = output.stdout.split()
            print(f"| `{name}` | {path.stat().st_size / 1e6:.0f} | {int(read):,} | {peak} |", flush=True)


if __name__ == "__main__":
    main()
