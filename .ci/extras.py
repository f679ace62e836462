"""Try each extra by itself, in an environment that has nothing else.

Every module and every public name can be imported, and every command runs, or one line says what to install. The
environments share PyTorch and Sentence Transformers, which every installation has, and take the lock's versions.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".venv-extras"
WALK = Path(__file__).with_name("walk.py")
ELSEWHERE = {"adapters"}
"""Wants another transformers: the environment `adapterhub` is the one that tries it."""


def main() -> int:
    """Return the exit code: 0 where every extra keeps its word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, help="the requirement of PyTorch, which no lock names")
    parser.add_argument("only", nargs="*", help="extras to try; by default all")
    options = parser.parse_args()
    extras = metadata("specter2-plugins").get_all("Provides-Extra") or []

    shutil.rmtree(HOME, ignore_errors=True)
    sdist, wheel = _build(HOME / "dist")
    _check_sdist(sdist)
    base = _environment("base", options.torch, str(wheel))
    failed = [
        extra
        for extra in options.only or ["", *(name for name in extras if name not in ELSEWHERE)]
        if not _keeps_its_word(extra, base)
    ]
    print(f"{len(failed)} extras failed{': ' if failed else ''}{', '.join(map(repr, failed))}")
    return bool(failed)


def _build(out: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel, as a release does."""
    code = (
        "import sys; from hatchling import build; out = sys.argv[1]\n"
        "print(getattr(build, sys.argv[2])(out))"
    )  # fmt: skip
    out.mkdir(parents=True)
    made = []
    for kind, folder in (("build_sdist", ROOT), ("build_wheel", HOME / "source")):
        if kind == "build_wheel":
            with tarfile.open(out / made[0]) as archive:
                archive.extractall(HOME / "unpacked", filter="data")
            next((HOME / "unpacked").iterdir()).rename(folder)
        done = subprocess.run(
            [sys.executable, "-c", code, str(out), kind], cwd=folder, check=True, capture_output=True, text=True
        )
        made.append(done.stdout.strip().splitlines()[-1])
    return out / made[0], out / made[1]


def _check_sdist(sdist: Path) -> None:
    """Raise if the sdist lacks a file of the repository, tests and their data among them."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tarfile.open(sdist) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    if missing := [name for name in listed.splitlines() if name not in there and (ROOT / name).exists()]:
        raise SystemExit(f"the sdist lacks {len(missing)} files: {', '.join(missing[:10])}")


def _environment(name: str, *requirements: str, beneath: Path | None = None) -> Path:
    """Make an environment that sees what another one has; return its folder."""
    folder = HOME / name
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    if beneath is not None:
        (_site_packages(folder) / "beneath.pth").write_text(f"{_site_packages(beneath)}\n")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for requirement in requirements:
        lock = ["--constraint", str(ROOT / "requirements" / "modern.txt")]
        subprocess.run([*pip, *lock, requirement], check=True)
    return folder


def _site_packages(environment: Path) -> Path:
    return next((environment / "lib").glob("python*")) / "site-packages"


def _keeps_its_word(extra: str, base: Path) -> bool:
    print(f"--- {f'specter2-plugins[{extra}]' if extra else 'specter2-plugins'}", flush=True)
    requirements = [f"specter2-plugins[{extra}]"] if extra else []
    environment = _environment(extra or "none", *requirements, beneath=base)
    scratch = environment / "scratch"
    scratch.mkdir()
    model = ROOT / "tests" / "data" / "oracle" / "models"
    command = [str(environment / "bin" / "python"), str(WALK), extra, str(model)]
    return subprocess.run(command, cwd=scratch, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
