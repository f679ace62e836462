"""A Ray cluster for the length of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specter2_plugins.cli.console import errors

_LOCAL = "Ray runs on this machine alone: it listens on 127.0.0.1, where every user of the machine reaches it"


@contextmanager
def on_ray(address: str | None) -> Iterator[None]:
    """Be connected to a Ray cluster, and say first where it listens.

    Args:
        address: As for `cluster`.

    Raises:
        WorkerError: If there is none.
    """
    from specter2_plugins.pipeline.ray.run import cluster

    errors.print(_LOCAL if address == "local" else f"Ray is that of {address}, which whoever started it has to protect")
    with cluster(address):
        yield
