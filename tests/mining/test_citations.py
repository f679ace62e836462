"""Citation lists of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from specter2_plugins.errors import TrainingError
from specter2_plugins.mining import read_citations

FILES = {
    "list.jsonl": '{"citing": "a", "cited": ["b", "c", "b"]}\n'
    '{"citing": "a", "cited": "d"}\n{"citing": 7, "cited": "a"}\n',
    "list.json": '[{"citing": "a", "cited": ["b", "c"]}, {"citing": "a", "cited": "d"}, {"citing": 7, "cited": ["a"]}]',
    "list.csv": "citing,cited\na,b\na,c\na,d\n7,a\n",
    "list.tsv": "citing\tcited\tyear\na\tb\t1\na\tc\t2\na\td\t3\n7\ta\t4\n",
}


@pytest.mark.parametrize("name", FILES)
def test_every_format(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name])
    assert read_citations(tmp_path / name) == {"a": ["b", "c", "d"], "7": ["a"]}


@pytest.mark.parametrize("row", ['{"citing": "a"}', '{"citing": "", "cited": "b"}', '{"citing": "a", "cited": [null]}'])
def test_what_is_no_citation(row: str, tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"citing": "a", "cited": []}\n' + row)
    with pytest.raises(TrainingError, match=r"list\.jsonl: record 2 has no 'citing' with an id and 'cited' with one"):
        read_citations(path)
