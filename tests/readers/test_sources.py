"""Where bytes come from: compressed, piped, damaged, several at once."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from specter2_plugins import PaperError
from specter2_plugins.readers import read_papers

from .helpers import DATA, collect, write


def zstandard(data: bytes) -> bytes:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return import_module(name).compress(data)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "zst": zstandard}


def lines(count: int) -> bytes:
    """Records that do not compress to nothing."""
    noise = random.Random(1)
    return b"".join(b'{"id": %d, "title": "%x"}\n' % (number, noise.getrandbits(400)) for number in range(count))


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("name", ["library.bib", "library.ris", "pubmed.xml", "openalex.jsonl", "scopus.csv"])
def test_compressed_is_found_by_content(tmp_path: Path, compress: Callable[[bytes], bytes], name: str) -> None:
    path = write(tmp_path, "renamed", compress((DATA / name).read_bytes()))
    papers, rejected = collect(path)
    expected, expected_rejected = collect(DATA / name)
    assert papers == expected
    assert [(reject.line, reject.id) for reject in rejected] == [
        (reject.line, reject.id) for reject in expected_rejected
    ]


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_parts_of_a_compressed_file_may_follow_each_other(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path, "two", compress(b'{"title": "a"}\n') + compress(b'{"title": "b"}\n'))
    assert [paper.title for paper in collect(path)[0]] == ["a", "b"]


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_cut_compressed_file_gives_its_good_records_and_one_reject(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    whole = compress(lines(30_000))
    papers, rejected = collect(write(tmp_path, "cut.jsonl.x", whole[: len(whole) * 3 // 4]))
    # bzip2 gives nothing of a block of 900 kB that is not whole.
    assert 8_000 < len(papers) < 25_000
    assert [paper.id for paper in papers] == [str(number) for number in range(len(papers))]
    [damage] = rejected
    assert damage.line == len(papers)
    assert damage.reason.startswith("damaged or cut off: ")


def test_damage_does_not_keep_the_next_file_from_being_read(tmp_path: Path) -> None:
    cut = write(tmp_path, "cut.gz", gzip.compress(lines(5_000))[:-2000])
    papers, rejected = collect([cut, DATA / "library.bib"])
    assert papers[-1].id == "only_title"
    assert [reject.source for reject in rejected] == [str(cut), str(DATA / "library.bib")]
    with pytest.raises(PaperError, match=r"cut\.gz:\d+: damaged or cut off"):
        list(read_papers([cut, DATA / "library.bib"]))


def test_garbage_after_a_compressed_file(tmp_path: Path) -> None:
    papers, [damage] = collect(write(tmp_path, "a.gz", gzip.compress(lines(10)) + b"garbage"))
    assert len(papers) == 10
    assert "Not a gzipped file" in damage.reason


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00garbage", b"\x28\xb5\x2f\xfd\xff\xff\xff", b"BZh9xx"])
def test_nothing_but_damage(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PaperError, match=r"cannot read .*a\.jsonl: damaged or cut off"):
        collect(write(tmp_path, "a.jsonl", content))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard], ids=["gz", "zst"])
def test_zip_bomb_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    part = compress(b" " * 2**24)
    bomb = write(tmp_path, "bomb", compress(b'{"title": "a"}\n') + part * 20)
    with pytest.raises(PaperError, match=r"bomb holds more than 200 times its size"):
        collect(bomb)


def test_archives_and_other_encodings_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"is a zip archive\. Unpack it first"):
        collect(write(tmp_path, "arxiv.zip", b"PK\x03\x04rest"))
    assert collect(write(tmp_path, "excel.csv", "title,b\nT,1\n".encode("utf-16")))[0][0].title == "T"


def test_patterns_and_several_sources(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl"):
        write(tmp_path, name, f'{{"title": "{name}"}}')
    assert [paper.title for paper in read_papers(f"{tmp_path}/*.jsonl")] == ["a.jsonl", "b.jsonl"]
    assert [paper.title for paper in read_papers(f"{tmp_path}/**/*")] == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]
    assert len(list(read_papers([tmp_path / "a.jsonl", f"{tmp_path}/deep/*"]))) == 2
    odd = write(tmp_path, "[1].jsonl", '{"title": "odd"}')
    assert [paper.title for paper in read_papers(odd)] == ["odd"]


def test_what_cannot_be_read_is_known_before_the_first_paper(tmp_path: Path) -> None:
    good = write(tmp_path, "good.jsonl", '{"title": "a"}')
    with pytest.raises(PaperError, match=r"cannot read .*none\.bib: No such file"):
        read_papers([good, tmp_path / "none.bib"])
    with pytest.raises(PaperError, match=r"cannot read .*: it is a folder\. Name the files in it"):
        read_papers([good, tmp_path])
    with pytest.raises(PaperError, match=r"no file matches .*\*\.bib"):
        read_papers([good, tmp_path / "*.bib"])
    with pytest.raises(PaperError, match="cannot tell the format"):
        read_papers([good, write(tmp_path, "notes.txt", "hello")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"title": "a"}')
    path.chmod(0)
    with pytest.raises(PaperError, match=r"cannot read .*a\.jsonl: Permission denied"):
        read_papers(path)


class Stdin(io.TextIOWrapper):
    """A stdin that cannot seek, as a pipe."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BufferedReader(io.BytesIO(content)))


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("name", ["library.bib", "pubmed.xml", "openalex.jsonl", "scopus.csv"])
def test_stdin(monkeypatch: pytest.MonkeyPatch, name: str, compress: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(compress((DATA / name).read_bytes())))
    papers, rejected = collect("-")
    assert papers == collect(DATA / name)[0]
    assert {reject.source for reject in rejected} <= {"stdin"}


def test_named_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = lines(20_000)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    papers, rejected = collect(pipe)
    writer.join()
    assert (len(papers), rejected) == (20_000, [])


def test_parquet_from_a_pipe_and_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"title": ["A"]}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    assert [paper.title for paper in collect(write(tmp_path, "a.gz", gzip.compress(content)))[0]] == ["A"]
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    assert [paper.title for paper in collect("-")[0]] == ["A"]


def test_lines_across_chunks(tmp_path: Path) -> None:
    """Lines of all lengths around the size of what is read at once."""
    titles = ["a" * length for length in (1, 65_520, 65_536, 131_072, 5)]
    content = "".join(f'{{"title": "t{title}"}}\r\n' for title in titles)
    papers, rejected = collect(write(tmp_path, "a.jsonl", content))
    assert [paper.title for paper in papers] == [f"t{title}" for title in titles]
    assert rejected == []
