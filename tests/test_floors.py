"""The house: each floor imports only from those below it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import specter2_plugins

ROOT = Path(specter2_plugins.__file__).parent

FLOORS = (
    ("errors", "environment", "addresses", "printable", "demo"),
    ("extras", "tasks", "fingerprint", "integrity"),
    ("papers",),
    ("adapters", "edge", "checkpoints", "readers"),
    ("engine", "scirepeval", "writers", "sources"),
    ("sentence_transformers",),
    ("modules",),
    ("sparse",),
    ("store",),
    ("vectors",),
    ("pipeline",),
    ("qdrant", "reviewers"),
    ("hosts", "langchain", "mining", "training", "evaluation"),
    ("cli",),
    ("__main__",),
)
"""From the ground up. The package's own face, `__init__`, hands names on from any floor."""

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path


def imports(path: Path) -> Iterator[str]:
    """Every import of a file, those within functions and for types alone among them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "specter2_plugins":
            for alias in node.names:
                full = f"{node.module}.{alias.name}".partition(".")[2]
                is_module = (ROOT / (full.replace(".", "/") + ".py")).is_file() or (
                    ROOT / full.replace(".", "/")
                ).is_dir()
                yield full if is_module else (node.module or "").partition(".")[2]
        elif isinstance(node, ast.Import):
            yield from (a.name.partition(".")[2] for a in node.names if a.name.startswith("specter2_plugins."))


def test_every_room_has_a_floor() -> None:
    rooms = {module.partition(".")[0] for module, _ in modules()} - {"__init__"}
    assert rooms == set(FLOOR_OF)


def test_imports_run_downwards() -> None:
    up = [
        f"{module} imports {imported}"
        for module, path in modules()
        if module != "__init__"
        for imported in imports(path)
        if (own := module.partition(".")[0]) != (other := imported.partition(".")[0])
        and other
        and FLOOR_OF[other] >= FLOOR_OF[own]
    ]
    assert up == []


def test_no_circles() -> None:
    faces = {module for module, path in modules() if path.name == "__init__.py"}
    graph = {
        module: {imported for imported in imports(path) if imported and imported not in faces}
        for module, path in modules()
        if module not in faces
    }
    TopologicalSorter(graph).prepare()
