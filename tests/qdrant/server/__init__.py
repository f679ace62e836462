"""A Qdrant server for tests: real HTTP and gRPC on loopback, faults on request, and a record of every call.

    with Server() as server:
        server.faults.add("PUT .*/points", "drop_after", times=3)
        client = QdrantClient(url=server.url)
        ...
        assert len(server.calls("PUT .*/points")) == 4

Behind it stands either Qdrant's own local engine (`Local`) or a real server (`Remote`).
"""

from tests.qdrant.server.faults import Fault, Faults
from tests.qdrant.server.local import Local
from tests.qdrant.server.messages import Answer, Request
from tests.qdrant.server.remote import Remote
from tests.qdrant.server.server import Server

__all__ = ["Answer", "Fault", "Faults", "Local", "Remote", "Request", "Server"]
