"""What mkdocs.yml needs beside docs/: pages of the repository's root, and one page of reference for each public room.

mkdocs calls the functions whose names begin with `on_`. Links between the root, docs and the rest of the repository are
written as GitHub and PyPI read them; here they are turned to the site's own pages, or to the repository.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "specter2_plugins"
FROM_THE_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files of the repository -> the pages that they are here."""

_LINK = re.compile(r'(?P<before>\]\(|src=")(?P<path>(?!https?://|mailto:)[^)"#\s]+)')
_FETCHED = re.compile(r'<(?:script|img|iframe|link rel="(?!canonical)[^"]*")[^>]* (?:src|href)="(?:https?:)?//[^>]*>')
"""What a browser fetches by itself."""


def rooms() -> dict[str, list[str]]:
    """Return the modules that have public names -> those names, errors last; the package itself comes first."""
    found = {}
    for path in [PACKAGE / "__init__.py", *sorted(PACKAGE.glob("*/__init__.py"))]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names = ast.literal_eval(node.value)
                module = ".".join(path.parent.relative_to(ROOT).parts)
                found[module] = sorted(names, key=lambda name: name.endswith("Error"))
    del found["specter2_plugins.cli"]  # the command line has help.md
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference's pages into the navigation, where mkdocs.yml says `API`."""
    for section in config.nav or []:
        for entries in section.values():
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, dict) and "API" in entry:
                    entry["API"] = [{_title(room): _page(room)} for room in rooms()]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the root's pages, and the reference's."""
    for name, page in FROM_THE_ROOT.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for room, names in rooms().items():
        content = f"# `{room}`\n\n::: {room}\n    options:\n      members: [{', '.join(names)}]\n"
        files.append(File.generated(config, _page(room), content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links from where a file lies in the repository to where its page lies in the site, or to the repository."""
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation"]  # the tabs above have it
    by_page = {target: source for source, target in FROM_THE_ROOT.items()}
    source = by_page.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def turned(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["path"]))
        if not (ROOT / path).exists():
            return link[0]  # code that looks like a link, or a broken one, which mkdocs tells of
        target = FROM_THE_ROOT.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(target) is None:
            return f"{link['before']}{config.repo_url}/blob/main/{path}"
        return link["before"] + posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")

    return _LINK.sub(turned, markdown)


def on_post_build(*, config: MkDocsConfig) -> None:
    """Raise if a page would fetch anything from elsewhere when it is opened."""
    for path in Path(config.site_dir).rglob("*.html"):
        if found := _FETCHED.search(path.read_text(encoding="utf-8")):
            raise PluginError(f"{path.relative_to(config.site_dir)} is not for reading offline: {found[0]}")


def _page(room: str) -> str:
    return f"api/{room.removeprefix('specter2_plugins').strip('.') or 'specter2_plugins'}.md"


def _title(room: str) -> str:
    return room.removeprefix("specter2_plugins.")
