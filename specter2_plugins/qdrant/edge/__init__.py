"""Qdrant's own engine inside the process: `qdrant-edge-py` behind the interface of `QdrantClient`.

Example:
    >>> from specter2_plugins.qdrant.edge import EdgeClient
    >>> with EdgeClient("papers.qdrant") as client:
    ...     client.create_collection("papers", models.VectorParams(size=768, distance=models.Distance.EUCLID))
    ...     client.upsert("papers", [models.PointStruct(id=1, vector=vector, payload={"year": 2019})])
    ...     client.query_points("papers", query=vector)
"""

from specter2_plugins.extras import require

require("qdrant_edge", "qdrant-edge-py", "qdrant")

from specter2_plugins.qdrant.edge.client import EdgeClient  # noqa: E402
from specter2_plugins.qdrant.edge.refusals import UnsupportedError  # noqa: E402
from specter2_plugins.qdrant.edge.store import is_local_mode  # noqa: E402

__all__ = ["EdgeClient", "UnsupportedError", "is_local_mode"]
