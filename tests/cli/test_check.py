"""`specter2 check`: counts that add up, without a model."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Command


def test_what_files_hold_is_counted(tmp_path: Path, specter2: Command) -> None:
    library = tmp_path / "library.ris"
    library.write_text(
        "TY  - JOUR\nDO  - 10.1000/owl.1\nTI  - Owls\nAB  - They see.\nER  - \n"
        "TY  - JOUR\nDO  - 10.1000/OWL.1\nTI  - Owls\nER  - \n"
        "TY  - JOUR\nDO  - 10.1000/owl.1\nTI  - Bats\nER  - \nTY  - JOUR\nTI  - Cut"
    )
    table = tmp_path / "a.csv"
    table.write_bytes("title,Abstract_EN\nN\u00e4chtliche J\u00e4ger,".encode("cp1252") + b"They see. " * 40 + b"\n")
    rejects = tmp_path / "rejects.jsonl"
    done = specter2("check", library, table, "--json", "--rejects", rejects)
    counts = json.loads(done.out)
    assert {name: counts[name] for name in ("read", "papers", "duplicate", "rejected", "conflict")} == {
        "read": 5,
        "papers": 3,
        "duplicate": 1,
        "rejected": 1,
        "conflict": 1,
    }
    first, second = counts["files"]
    assert (first["papers"], first["without_abstract"], first["rejected"], first["format"]) == (3, 2, 1, "ris")
    assert second["notes"] == ["not used: Abstract_EN (1 records)", "read as cp1252 (detected)"]
    assert counts["rejected_records"][0]["line"] == 14
    assert "the id '10.1000/owl.1' is that of 'Owls' and 'Bats'" in counts["conflicts"][0]
    assert len(rejects.read_text().splitlines()) == 1
    shown = specter2("check", library, table)
    assert "read 5 = 3 papers + duplicate 1 + rejected 1; 1 in conflict" in shown.out


def test_files_without_papers_fail(tmp_path: Path, specter2: Command) -> None:
    (tmp_path / "a.ris").write_text("hello\n")
    done = specter2("check", tmp_path / "a.ris")
    assert done.code == 1
    assert "no papers in" in done.err
