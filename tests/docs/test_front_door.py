"""What stands beside the code: the version, its history, the citation; no public name is told of nowhere."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import specter2_plugins
from tests.docs.pages import ROOT

PACKAGE = Path(specter2_plugins.__file__).parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
_RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
_ROOM = re.compile(r"`([\w.]+)`: ((?:`\w+`(?:, )?)+)")


def public_names() -> dict[str, list[str]]:
    """Return the public names of the package and of each room: room -> names; read, since extras may be missing."""
    found = {}
    for path in [PACKAGE / "__init__.py", *sorted(PACKAGE.glob("*/__init__.py"))]:
        room = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[room] = ast.literal_eval(node.value)
    return found


def names_in_the_changelog() -> set[str]:
    """Return what the tables of names say that there is now, in full."""
    now = set()
    for line in CHANGELOG.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 2:
            for room, names in _ROOM.findall(cells[0] if cells[1] == "the same" else cells[1]):
                inside = room if room == "specter2_plugins" else f"specter2_plugins.{room}"
                now |= {f"{inside}.{name}" for name in re.findall(r"\w+", names)}
    return now


def test_the_version_is_the_same_everywhere() -> None:
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    releases = _RELEASE.findall(CHANGELOG)
    assert releases == sorted(releases, key=lambda release: [int(part) for part in release[0].split(".")], reverse=True)
    assert releases[0] == (specter2_plugins.__version__, cited["date-released"].isoformat())
    assert cited["version"] == specter2_plugins.__version__


def test_the_citation_has_what_its_format_asks_for() -> None:
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    for work in (cited, *cited["references"]):
        assert work["title"]
        assert all(author.keys() <= {"name", "family-names", "given-names", "orcid"} for author in work["authors"])
    assert {"message", "authors"} <= cited.keys()
    assert all("type" in work for work in cited["references"])


def test_every_public_name_is_told_of() -> None:
    names = {f"{room}.{name}" for room, names in public_names().items() for name in names}
    assert len(names) > 80
    missing = sorted(names - names_in_the_changelog())
    assert missing == [], "a new public name gets a place in CHANGELOG.md's table"


def test_what_the_changelog_names_is_there() -> None:
    rooms = public_names()
    gone = [
        full
        for full in names_in_the_changelog()
        if (room := full.rpartition(".")[0]) in rooms and full.rpartition(".")[2] not in rooms[room]
    ]
    assert [name for name in gone if not is_module_or_attribute(name)] == []


def is_module_or_attribute(name: str) -> bool:
    """Return whether a room has a module of that name, or hands the name on without `__all__`."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_links_to_files_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_the_readme_has_no_link_that_pypi_cannot_follow() -> None:
    if sys.version_info < (3, 11):
        pytest.skip("tomllib came with Python 3.11")
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for one in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    links = re.findall(r"\]\((?!#)([^)]+)\)", text)
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all(link.startswith("https://raw.githubusercontent.com/") for link in pictures)
