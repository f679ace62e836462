"""Building a shard's index, in a process of its own.

The engine holds Python's lock while it builds, for minutes in a large collection. Another process can be waited for,
and killed: it works on a copy, which is then thrown away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import qdrant_edge
from typing_extensions import Self

from specter2_plugins.errors import StoreError

# On Linux it dies with its client (PR_SET_PDEATHSIG, SIGKILL). Searches go first, where the system can tell them apart.
_BUILD = """
import os, sys
engine, shard, client = sys.argv[1:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(client):
        sys.exit("its client has ended")
if hasattr(os, "nice"):
    os.nice(5)
sys.path.append(engine)
from qdrant_edge import EdgeShard
for job in sys.stdin:
    opened = EdgeShard.load(shard)
    if job == "optimize\\n":
        opened.optimize()
    opened.flush()
    opened.close()
    for folder, _, names in os.walk(shard):
        for name in names:
            file = os.open(os.path.join(folder, name), os.O_RDWR)
            os.fsync(file)
            os.close(file)
        if os.name == "posix":
            file = os.open(folder, os.O_RDONLY)
            os.fsync(file)
            os.close(file)
    print("done", flush=True)
"""
_DONE = "done\n"


class CancelledError(StoreError):
    """A build was ended by who started it, as closing its client does."""


class Builder:
    """A process that works on a shard that no one else has open. A context manager, which ends it.

    Args:
        shard: The shard's folder.

    Raises:
        StoreError: If it cannot be started.
    """

    def __init__(self, shard: Path) -> None:
        python = _interpreter()
        if python is None:
            raise StoreError("there is no Python interpreter to run it with (sys.executable)")
        # Isolated: a ctypes.py in the working directory, or a PYTHONPATH, is none of its business.
        engine = str(Path(qdrant_edge.__file__).parent.parent)
        command = [python, "-I", "-c", _BUILD, engine, str(shard), str(os.getpid())]
        self._killed = False
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
        except OSError as error:
            self._errors.close()
            raise StoreError(f"{python} cannot be started: {error.strerror}") from None

    def optimize(self) -> None:
        """Index and merge the shard's segments, as its configuration says.

        Raises:
            StoreError: If that fails.
        """
        self._run("optimize")

    def replay(self) -> None:
        """Apply what the shard's log holds and the shard does not.

        Raises:
            StoreError: If that fails.
        """
        self._run("replay")

    def kill(self) -> None:
        """End it at once; what waits for it raises `CancelledError`."""
        self._killed = True
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _run(self, job: str) -> None:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        try:
            requests.write(f"{job}\n")
            requests.flush()
            answered = answers.readline()
        except BrokenPipeError:
            answered = ""
        if answered != _DONE:
            raise StoreError(self._why())

    def _why(self) -> str:
        code = self._process.wait()
        if self._killed:
            raise CancelledError("the build of its index was cancelled")
        if code < 0:
            return f"its process was ended by signal {-code}, as one that takes too much memory is"
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or [f"its process ended with {code}"])[-1]


def _interpreter() -> str | None:
    """Return this Python's executable: `sys.executable` is empty or another program's where Python is embedded."""
    if getattr(sys, "frozen", False):
        return None
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = Path(sys.exec_prefix)
    given = sys.executable if Path(sys.executable or "").name.lower().startswith(("python", "pypy")) else ""
    for candidate in (Path(given), home / "bin" / version, home / "python.exe"):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None
