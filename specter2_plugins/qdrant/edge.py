"""The embedded engine's clients under the name that they had here before `specter2_plugins.edge`."""

from specter2_plugins.edge import AsyncEdgeClient, EdgeClient, UnsupportedError, is_local_mode

__all__ = ["AsyncEdgeClient", "EdgeClient", "UnsupportedError", "is_local_mode"]
