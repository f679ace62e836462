"""Stores of every kind."""

from tests.stores import client, papers, server

__all__ = ["client", "papers", "server"]
