"""A Qdrant store, embedded or a server: how it is opened, and what a collection of papers looks like in it."""

from specter2_plugins.extras import require

require("qdrant_client", "qdrant-client", "qdrant")
