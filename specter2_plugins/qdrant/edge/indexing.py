"""Building a collection's index, in a process of its own.

The engine holds Python's lock while it builds, for minutes in a large collection. Another process can be waited for,
and killed: a build that is cut short leaves the shard as it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import qdrant_edge

# On Linux it dies with its client (PR_SET_PDEATHSIG, SIGKILL): the collection would else be held until its end.
_BUILD = """
import os, sys
engine, shard, client = sys.argv[1:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(client):
        sys.exit("its client has ended")
sys.path.append(engine)
from qdrant_edge import EdgeShard
shard = EdgeShard.load(shard)
shard.optimize()
shard.close()
"""


def build(shard: Path) -> str | None:
    """Index a shard that no one has open; return why that failed, or None."""
    python = _interpreter()
    if python is None:
        return "there is no Python interpreter to run it with (sys.executable)"
    # Isolated: a ctypes.py in the working directory, or a PYTHONPATH, is none of its business.
    engine = str(Path(qdrant_edge.__file__).parent.parent)
    command = [python, "-I", "-c", _BUILD, engine, str(shard), str(os.getpid())]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{python} cannot be started: {error.strerror}"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"its process was ended by signal {-done.returncode}, as one that takes too much memory is"
    return (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]


def _interpreter() -> str | None:
    """This Python's executable. `sys.executable` is empty or another program's where Python is embedded or frozen."""
    if getattr(sys, "frozen", False):
        return None
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = Path(sys.exec_prefix)
    given = sys.executable if Path(sys.executable or "").name.lower().startswith(("python", "pypy")) else ""
    for candidate in (Path(given), home / "bin" / version, home / "python.exe"):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None
