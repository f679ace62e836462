"""`python -m tests.qdrant.server`: the server in a process of its own. Prints its URL, and serves until it is ended."""

from __future__ import annotations

import argparse
import signal
import sys

from tests.qdrant.server import Server

parser = argparse.ArgumentParser(prog="python -m tests.qdrant.server", description=__doc__)
parser.add_argument("--port", type=int, default=0, help="0, the default, takes any that is free")
parser.add_argument("--api-key", help="the key that requests must carry")
options = parser.parse_args()

ENDS = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
with Server(api_key=options.api_key, port=options.port) as server:
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    signal.sigwait(ENDS)
