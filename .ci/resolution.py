"""Run the fast tests with the newest or the lowest packages that pyproject.toml allows, and name the one that breaks.

The tests run in an environment of their own. Those that fail run again with one package after another put back to
its version in the lock, until they pass: that package broke them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "modern.txt"
RESOLUTIONS = {"newest": "highest", "lowest": "lowest-direct"}


def main() -> int:
    """Return the exit code: 0 where the tests pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("resolution", choices=RESOLUTIONS)
    parser.add_argument("--uv", type=Path, required=True, help="the uv that resolves")
    parser.add_argument("--torch", required=True, help="the requirement of PyTorch, which no lock names")
    parser.add_argument("--jobs", default="2", help="test processes")
    options = parser.parse_args()
    environment = ROOT / f".venv-{options.resolution}"
    python = environment / "bin" / "python"

    _run(sys.executable, "-m", "venv", "--clear", str(environment))
    resolved = environment / "requirements.txt"
    constraint = environment / "torch.in"
    constraint.write_text(f"{options.torch}\n")
    _run(
        *[str(options.uv), "pip", "compile", "--quiet", "--resolution", RESOLUTIONS[options.resolution]],
        *["--python", str(python), "--no-emit-package", "torch", "--constraints", str(constraint)],
        *["pyproject.toml", "--extra", "all", "--group", "build", "--group", "test", "--output-file", str(resolved)],
    )
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--constraint", str(resolved), options.torch)
    _run(*pip, "--requirement", str(resolved))
    _run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")

    failed = _failures(python, ["-n", options.jobs, "--dist", "loadfile"])
    if not failed:
        print(f"All pass with the {options.resolution} packages.")
        return 0
    print(f"{len(failed)} fail with the {options.resolution} packages; looking for what breaks them.", flush=True)
    locked, there = _versions(python, LOCK), _installed(python)
    for name in sorted(set(locked) & set(there)):
        if locked[name] == there[name]:
            continue
        _run(*pip, "--no-deps", f"{name}=={locked[name]}")
        left = _failures(python, ["--quiet", *failed])
        for test in sorted(set(failed) - set(left)):
            print(f"{name} {there[name]} breaks {test}: it passes with {locked[name]}", flush=True)
        failed = left
        if not failed:
            break
        _run(*pip, "--no-deps", f"{name}=={there[name]}")
    for test in failed:
        print(f"no single package: {test}")
    return 1


def _failures(python: Path, arguments: list[str]) -> list[str]:
    """Return the ids of the tests that fail, as pytest itself keeps them."""
    cache = python.parent.parent / "pytest"
    ended = subprocess.run([str(python), "-m", "pytest", "-o", f"cache_dir={cache}", *arguments], cwd=ROOT, check=False)
    if ended.returncode not in (0, 1):
        raise SystemExit("pytest did not run to its end: see above")
    kept = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text())) if kept.exists() else []


def _versions(python: Path, lock: Path) -> dict[str, str]:
    """Return the versions that a lock gives an interpreter: name -> version."""
    code = (
        "import sys; from packaging.requirements import Requirement\n"
        "for line in map(str.strip, sys.stdin):\n"
        "    if line and line[0] != '#':\n"
        "        package = Requirement(line)\n"
        "        if package.marker is None or package.marker.evaluate():\n"
        "            print(package.name, next(iter(package.specifier)).version)"
    )
    found = subprocess.run(
        [str(python), "-c", code], input=lock.read_text(), text=True, capture_output=True, check=True
    )
    return dict(line.split() for line in found.stdout.splitlines())


def _installed(python: Path) -> dict[str, str]:
    found = subprocess.run([str(python), "-m", "pip", "list", "--format", "json"], capture_output=True, check=True)
    return {package["name"].lower().replace("_", "-"): package["version"] for package in json.loads(found.stdout)}


def _run(*command: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main())
