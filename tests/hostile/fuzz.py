"""Made inputs without end: `python -m tests.hostile.fuzz --seconds 600`, or `make fuzz SECONDS=600`.

Each boundary has a function that makes one input of a random generator and hands it over. It may succeed, or raise one
of this package's errors in one short line. Anything else, a process that dies, an input that takes longer than ten
seconds or more than 1 GB, is a finding: the seed that made it is printed, and `--target NAME --seed N` makes it again.
"""

from __future__ import annotations

import argparse
import bz2
import faulthandler
import gzip
import json
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

from specter2_plugins.errors import Specter2Error
from tests.readers.test_fuzz import TOKENS, samples

MEMORY = 2**30
SLOWEST = 10.0
LONGEST_MESSAGE = 2000

Target: TypeAlias = Callable[[random.Random, Path], None]
"""Makes one input, in a folder of its own where it needs files, and hands it over."""


class Finding(Exception):
    """What should not have happened."""


@contextmanager
def only_ours() -> Iterator[None]:
    """Let this package's errors pass, if they are one short line."""
    try:
        yield
    except Specter2Error as error:
        if "\n" in str(error) or len(str(error)) > LONGEST_MESSAGE:
            raise Finding(f"an error that is no short line: {str(error)[:LONGEST_MESSAGE]!r}") from None


def mutated(chance: random.Random, content: bytes, tokens: list[bytes] = TOKENS) -> bytes:
    """Return a file with pieces cut, doubled, turned over and put in, and perhaps without its end."""
    for _ in range(chance.choice([1, 1, 2, 3, 8, 30])):
        begin = chance.randrange(len(content) + 1)
        end = min(len(content), begin + chance.choice([0, 1, 2, 4, 10, 100, 1000]))
        piece = content[begin:end]
        new = chance.choice(
            [
                b"",
                piece * chance.choice([2, 3, 50]),
                chance.choice(tokens),
                chance.choice(tokens) * chance.choice([1, 3, 1000]),
                bytes(chance.randrange(256) for _ in range(chance.choice([1, 2, 4, 8]))),
                bytes(byte ^ 1 << chance.randrange(8) for byte in piece),
                piece[::-1],
                chance.choice([b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\x7f"]),
            ]
        )
        content = content[:begin] + new + content[end:]
    return content[: chance.randrange(len(content) + 1)] if chance.random() < 0.2 else content


def text(chance: random.Random, longest: int = 12) -> str:
    """Return a text of any characters, lone surrogates among them."""
    signs = "ab \n\t\x00\x1b\x9b\u202e\ud800\udfff\ufeffäß語\U0001f600{}[]()<>\\\"'%$&;:,=~.-/#@!|0123456789"
    return "".join(chance.choice(signs) for _ in range(chance.randrange(longest + 1)))


def value(chance: random.Random, depth: int = 0) -> Any:
    """Return what JSON, and what Python alone, can hold."""
    plain: list[Any] = [
        None,
        True,
        False,
        *(0, -1, 2**63 - 1, 2**63, -(2**70), 10**400, chance.randrange(3000)),
        *(0.5, -0.0, 1e308, float("nan"), float("inf")),
        *("", text(chance), text(chance, 300), "2015", "1e999", "NaN", "10.1/x"),
        b"bytes",
        {1, 2},
        object(),
    ]
    if depth > 3 or chance.random() < 0.6:
        return chance.choice(plain[:-3] if chance.random() < 0.9 else plain)
    if chance.random() < 0.02:
        nested: Any = []
        for _ in range(chance.choice([33, 200])):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        return nested
    if chance.random() < 0.5:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {key(chance): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def key(chance: random.Random) -> Any:
    """Return a key of an object."""
    known = ["title", "abstract", "id", "authors", "year", "doi", "metadata", "page_content", "type", "name", "text"]
    return chance.choice([*known, text(chance), 5, None]) if chance.random() < 0.1 else chance.choice(known)


def any_reader(chance: random.Random, folder: Path) -> None:
    """A sample of a format, mutated, sometimes compressed or called another format."""
    from specter2_plugins.papers.payloads import storable_payload
    from specter2_plugins.readers import FORMATS, Rejected, read_records

    name = chance.choice(sorted(samples()))
    content = mutated(chance, samples()[name])
    if chance.random() < 0.1:
        content = mutated(chance, chance.choice([gzip.compress, bz2.compress])(content))
    if content[:2] == b"PK" and chance.random() < 0.7:
        content = with_mutated_members(chance, samples()[name])
    path = folder / name
    path.write_bytes(content)
    with only_ours():
        for record in read_records(path, chance.choice(sorted(FORMATS)) if chance.random() < 0.1 else None):
            if isinstance(record, Rejected):
                assert record.line >= 1
                assert "\n" not in record.reason.strip()
                assert len(record.reason) <= LONGEST_MESSAGE
            else:
                with only_ours():
                    storable_payload(record)


def with_mutated_members(chance: random.Random, content: bytes) -> bytes:
    """Return a ZIP file, such as a spreadsheet, in which one file is mutated and the whole is none the less a ZIP."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        changed = chance.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, mutated(chance, old.read(name)) if name == changed else old.read(name))
    return file.getvalue()


def filters(chance: random.Random, folder: Path) -> None:
    """Words of the filter language in any order, with anything between; what is read is answered by the engine."""
    from specter2_plugins.qdrant.filters import parse_filter

    words = ["year", "venue", "authors", "text", "a.b[]", "=", "!=", "<", ">=", "~", "in", "not", "and", "or", "exists"]
    words += ["missing", "(", ")", ",", '"', "'", "\\", "2015", "1e9", "2015-06-30", "9999-99-99", "true", "x y", "-"]
    tests = ["year >= 2015", 'venue ~ "b c"', "a.b exists", "type in (a, b)", "day < 2015-06-30", "f = 1e99", "x=true"]
    parts = [
        chance.choice([chance.choice(words), chance.choice(tests), text(chance, 4)])
        for _ in range(chance.choice([1, 3, 8, 20, 300]))
    ]
    with only_ours():
        found = parse_filter(chance.choice([" ", ""]).join(parts))
        client = store_of_papers()
        client.count("papers", count_filter=found)


def joined_filters(chance: random.Random, folder: Path) -> None:
    """Filters that can be read."""
    from specter2_plugins.qdrant.filters import parse_filter

    names = ["year", "venue", "authors[]", "text", "metadata.a", "id", "a-b.c", "x[].y"]

    def test(depth: int) -> str:
        if depth < 4 and chance.random() < 0.4:
            joiner = chance.choice([" and ", " or "])
            return "(" + joiner.join(test(depth + 1) for _ in range(chance.randrange(1, 4))) + ")"
        if chance.random() < 0.1:
            return f"not {test(depth + 1)}"
        quoted = json.dumps(text(chance), ensure_ascii=False)
        worth = chance.choice(["2015", "1e-9", "-0.0", "a", "2015-02-29", "true", quoted, "9" * 18, "1e99"])
        operator = chance.choice(["=", "!=", "<", ">", "<=", ">=", "~"])
        tests = [f"{operator} {worth}", "exists", "missing", f"in ({worth}, {worth})", f"not in ({worth})"]
        return f"{chance.choice(names)} {chance.choice(tests)}"

    with only_ours():
        store_of_papers().count("papers", count_filter=parse_filter(test(0)))


@cache
def store_of_papers() -> Any:
    """Return an embedded store with a few points."""
    from qdrant_client import models

    from specter2_plugins.edge import EdgeClient

    client = EdgeClient(tempfile.mkdtemp())
    size = {"proximity": models.VectorParams(size=4, distance=models.Distance.EUCLID)}
    client.create_collection("papers", size)
    payloads = [{"page_content": "a b", "metadata": {"year": 2015, "venue": "b c", "a": [1, "x"]}}, {}, {"metadata": 5}]
    client.upsert(
        "papers",
        [models.PointStruct(id=i, vector={"proximity": [i, 1, 2, 3]}, payload=p) for i, p in enumerate(payloads)],
    )
    return client


def payloads(chance: random.Random, folder: Path) -> None:
    """Papers with anything in them: refused, or stored and read back as they were."""
    from qdrant_client import models

    from specter2_plugins.papers import Paper
    from specter2_plugins.papers.payloads import from_payload
    from specter2_plugins.papers.points import PaperPoint

    metadata = value(chance) if chance.random() < 0.2 else {key(chance): value(chance) for _ in range(4)}
    id = value(chance) if chance.random() < 0.2 else text(chance)
    with only_ours():
        point = PaperPoint.of(Paper(text(chance), text(chance, 100) or None, id, metadata), "a source")
        client = store_of_papers()
        client.upsert(
            "papers", [models.PointStruct(id=point.point, vector={"proximity": [0.0] * 4}, payload=point.payload)]
        )
        [found] = client.retrieve("papers", [point.point])
        if found.payload != point.payload:
            raise Finding(f"stored as {point.payload!r}, read back as {found.payload!r}")
        from_payload(found.payload)
        client.delete("papers", [point.point])


def foreign_payloads(chance: random.Random, folder: Path) -> None:
    """Points that somebody else wrote, as search meets them."""
    from pydantic import ValidationError
    from qdrant_client import models

    from specter2_plugins.printable import fit
    from specter2_plugins.qdrant.hits import to_hits

    payload = value(chance)
    try:
        point = models.ScoredPoint(id=5, version=0, score=chance.choice([0.5, float("nan")]), payload=payload)
    except ValidationError:
        return  # Qdrant has none such
    with only_ours():
        for hit in to_hits(SimpleNamespace(points=[point])):
            fit(str(hit.paper))


def odd_ids(chance: random.Random, folder: Path) -> None:
    """Ids that no paper has, asked for."""
    with only_ours():
        asked = value(chance) if chance.random() < 0.5 else text(chance)
        chance.choice([papers().get, papers().similar, lambda id: papers().delete([id])])(asked)


@cache
def papers() -> Any:
    """Return the collection of the store."""
    from specter2_plugins import PaperCollection

    return PaperCollection.open(store_of_papers(), model="mini")


def stores(chance: random.Random, folder: Path) -> None:
    """A store in which one file is mutated, opened and searched."""
    from specter2_plugins.qdrant import open_client

    source = Path(store_copy())
    copy = Path(shutil.copytree(source, folder / "store"))
    files = [path for path in copy.rglob("*") if path.is_file() and path.name != ".lock"]
    # The engine trusts its binary files: a wrong length in one ends the process, as it ends a server.
    path = chance.choice([path for path in files if path.suffix == ".json"])
    content = path.read_bytes()
    if len(content) > 2**20:
        return  # memory-mapped storage, preallocated: zeros
    path.write_bytes(mutated(chance, content, [*TOKENS, b'"format"', b'"vectors"', b'"size": 4', b"-1", b"1e400"]))
    with only_ours(), open_client(copy, create=False) as client:
        for found in client.get_collections().collections:
            client.count(found.name)
            client.scroll(found.name, with_vectors=True)


@cache
def store_copy() -> str:
    """Return the folder of a closed store."""
    from qdrant_client import models

    from specter2_plugins.edge import EdgeClient

    folder = Path(tempfile.mkdtemp()) / "store"
    with EdgeClient(folder) as client:
        client.create_collection("papers", {"a": models.VectorParams(size=4, distance=models.Distance.EUCLID)})
        client.upsert("papers", [models.PointStruct(id=1, vector={"a": [1, 2, 3, 4]}, payload={"a": 1})])
        client.update_collection_aliases(
            [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name="papers", alias_name="other"))]
        )
    return str(folder)


def model_folders(chance: random.Random, folder: Path) -> None:
    """Settings of adapters and lists of modules, mutated or of anything."""
    from specter2_plugins.adapters.config import BottleneckConfig
    from specter2_plugins.checkpoints.saved import refuse_foreign, saved_modules

    right = {"mh_adapter": False, "output_adapter": True, "reduction_factor": 16, "non_linearity": "relu"}
    settings = {**right, chance.choice([*right, "leave_out", "dropout", "scaling", "phm_layer", "x"]): value(chance)}
    with only_ours():
        BottleneckConfig.from_dict(settings if chance.random() < 0.9 else value(chance))
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_bytes(mutated(chance, json.dumps(modules).encode()))
    with only_ours():
        refuse_foreign(saved_modules(folder), str(folder))


def queries(chance: random.Random, folder: Path) -> None:
    """Files of queries and of citations."""
    from specter2_plugins.cli.queries import read_queries
    from specter2_plugins.mining import read_citations

    lines = [b"graph search\n", b'{"id": "q1", "text": "neural ranking"}\n', b'{"_id": 5, "text": "x"}\n']
    path = folder / "queries.txt"
    path.write_bytes(mutated(chance, b"".join(chance.choices(lines, k=5))))
    with only_ours(), path.open(encoding="utf-8-sig") as file:
        read_queries(file)
    cited = [
        b"citing,cited\n1,2\n3,4\n",
        b"citing\tcited\n1\t2\n",
        b'{"1": ["2", "3"]}',
        b'{"citing": 1, "cited": 2}\n',
    ]
    path = folder / chance.choice(["c.csv", "c.tsv", "c.json", "c.jsonl"])
    path.write_bytes(mutated(chance, chance.choice(cited)))
    with only_ours():
        read_citations(path)


def urls(chance: random.Random, folder: Path) -> None:
    """URLs with a password anywhere: no error holds it."""
    from specter2_plugins.qdrant import open_client

    parts = ["http", "://", "user", ":", "hunter2", "@", "127.0.0.1", ":1", "/", "?", "#", "[", "::1", "]", "%40", "\\"]
    url = "".join(chance.choice([*parts, text(chance, 3)]) for _ in range(chance.randrange(12)))
    url = f"http://user:hunter2{text(chance, 5)}@{url}" if chance.random() < 0.5 else url
    try:
        with only_ours(), open_client(url=url, timeout=1):
            pass
    except Specter2Error as error:
        if "hunter2@" in str(error) or ":hunter2" in str(error):
            raise Finding(f"{url!r} shows its password: {error}") from None


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        any_reader,
        filters,
        joined_filters,
        payloads,
        foreign_payloads,
        odd_ids,
        stores,
        model_folders,
        queries,
        urls,
    )
}


@dataclass(frozen=True)
class Result:
    """What became of the inputs of a target.

    Args:
        inputs: How many there were.
        findings: What was found, with the seed that makes it.
        memory: The most bytes that the process held.
    """

    inputs: int
    findings: list[str]
    memory: int


def bound_memory(more: int) -> None:
    """Let the process have so many bytes more than it has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def attack(name: str, seed: int) -> None:
    """Make one input, and hand it over."""
    with tempfile.TemporaryDirectory() as folder:
        TARGETS[name](random.Random(f"{name}{seed}"), Path(folder))


def run(name: str, first: int, seconds: float, say: Connection) -> None:
    """Attack until the time is over; tells each seed before it is tried, so that the parent knows a deadly one."""
    import warnings

    warnings.simplefilter("ignore")
    faulthandler.enable()
    for warm in range(20):  # what libraries reserve when they are first used is not the input's
        with suppress(BaseException):
            attack(name, warm)
    bound_memory(MEMORY)
    end = time.monotonic() + seconds
    seed = first
    while time.monotonic() < end:
        say.send(("trying", seed, ""))
        begin = time.process_time()
        try:
            attack(name, seed)
        except BaseException:
            say.send(("found", seed, traceback.format_exc()))
        if time.process_time() - begin > SLOWEST:
            say.send(("found", seed, f"took {time.process_time() - begin:.1f} s of the processor"))
        seed += 1
    say.send(("done", seed, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)))


def supervise(name: str, first: int, seconds: float) -> Result:
    """Run a target in a process of its own, and go on after the inputs that end it."""
    end = time.monotonic() + seconds
    findings: list[str] = []
    kinds: set[str] = set()
    seed, memory = first, 0
    while (left := end - time.monotonic()) > 0 and len(findings) < 20:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=run, args=(name, seed, left, there))
        process.start()
        there.close()
        try:
            while here.poll(left + 120):
                what, seed, said = here.recv()
                kind = said.strip().rpartition("\n")[2][:60]
                if what == "found" and kind not in kinds:
                    kinds.add(kind)
                    findings.append(f"{name} --seed {seed}: {said}")
                elif what == "done":
                    memory = int(said)
                    break
            else:
                findings.append(f"{name} --seed {seed}: hangs")
                process.kill()
        except EOFError:
            process.join()
            findings.append(f"{name} --seed {seed}: the process ended with {process.exitcode}")
        process.join()
        seed += not memory
    return Result(seed - first, findings, memory)


def main() -> int:
    """Attack every target for a share of the time; the exit code is 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="in total")
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    parser.add_argument("--seed", type=int, help="this input alone; or the first one, with --seconds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    if options.seed is not None:
        attack(options.target, options.seed)
        return 0
    names = [options.target] if options.target else list(TARGETS)
    # Readers are the largest part of what a stranger can reach.
    shares = {name: 4 if name == "any_reader" else 1 for name in names}
    failed = 0
    for name in names:
        result = supervise(name, options.first, options.seconds * shares[name] / sum(shares.values()))
        memory = f"{result.memory / 2**20:.0f} MB" if result.memory else "?"
        print(f"{name}: {result.inputs:,} inputs, {len(result.findings)} findings, {memory}", flush=True)  # noqa: T201
        for finding in result.findings:
            print(finding, file=sys.stderr, flush=True)  # noqa: T201
        failed += len(result.findings)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
