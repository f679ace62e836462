"""Qdrant's own engine inside the process: `qdrant-edge-py` behind the interface of `QdrantClient`.

Example:
    >>> from qdrant_client import models
    >>> from specter2_plugins.edge import EdgeClient
    >>> with EdgeClient("points.qdrant") as client:
    ...     client.create_collection("papers", models.VectorParams(size=2, distance=models.Distance.EUCLID))
    ...     client.upsert("papers", [models.PointStruct(id=1, vector=[0.6, 0.8], payload={"year": 2019})])
    ...     client.query_points("papers", query=[0.6, 0.8]).points[0].payload
    True
    UpdateResult(operation_id=..., status=<UpdateStatus.COMPLETED: 'completed'>)
    {'year': 2019}
"""

from specter2_plugins.extras import require

require("qdrant_edge", "qdrant-edge-py", "qdrant")

from specter2_plugins.edge.async_client import AsyncEdgeClient  # noqa: E402
from specter2_plugins.edge.client import EdgeClient  # noqa: E402
from specter2_plugins.edge.refusals import UnsupportedError  # noqa: E402
from specter2_plugins.edge.store import is_local_mode  # noqa: E402

__all__ = ["AsyncEdgeClient", "EdgeClient", "UnsupportedError", "is_local_mode"]
