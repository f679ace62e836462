"""The library, and the command line."""

from tests.pipeline.conftest import library, specter2

__all__ = ["library", "specter2"]
