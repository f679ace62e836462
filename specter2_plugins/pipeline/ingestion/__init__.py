"""Papers into a collection of Qdrant: what has changed, what is embedded, what is written, what is gone."""

from specter2_plugins.extras import require

require("qdrant_client", "qdrant-client", "qdrant")
