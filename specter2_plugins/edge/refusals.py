"""What only a Qdrant server can do, refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from qdrant_client.client_base import QdrantBase

from specter2_plugins.errors import StoreError, one_line

_SERVER_CALLS = {
    "create_snapshot": "snapshots",
    "delete_snapshot": "snapshots",
    "list_snapshots": "snapshots",
    "recover_snapshot": "snapshots",
    "create_full_snapshot": "snapshots",
    "delete_full_snapshot": "snapshots",
    "list_full_snapshots": "snapshots",
    "create_shard_snapshot": "snapshots",
    "delete_shard_snapshot": "snapshots",
    "list_shard_snapshots": "snapshots",
    "recover_shard_snapshot": "snapshots",
    "create_shard_key": "shard keys",
    "delete_shard_key": "shard keys",
    "list_shard_keys": "shard keys",
    "cluster_collection_update": "clusters",
    "cluster_status": "clusters",
    "cluster_telemetry": "clusters",
    "collection_cluster_info": "clusters",
    "recover_current_peer": "clusters",
    "remove_peer": "clusters",
    "get_optimizations": "lists of running optimizations",
}

# One copy, in this process, written when the call returns: these hold whatever their value.
_ALWAYS_MET = {"consistency", "grpc_grace", "max_retries", "method", "ordering", "parallel", "timeout", "wait"}


class UnsupportedError(StoreError, NotImplementedError):
    """A call or an option that the embedded engine does not have."""


def unsupported(what: str) -> UnsupportedError:
    """Return the error that names what is missing."""
    return UnsupportedError(f"the embedded Qdrant has no {what}; a Qdrant server does")


def refuse_options(call: str, options: Mapping[str, Any]) -> None:
    """Refuse the options of a call that are set and would change what it does."""
    for name, value in options.items():
        if value is not None and name not in _ALWAYS_MET:
            raise unsupported(f"option {name!r} in {call}")


def require_at_least(least: int, **values: int) -> None:
    """Refuse numbers that are too small, as a server does."""
    for name, value in values.items():
        if value < least:
            raise StoreError(f"{name} value {value} is invalid. Must be {least} or larger.")


@contextmanager
def taken(what: str) -> Iterator[None]:
    """Say in one line of our own what the engine does not take, while its types are made of ours.

    Raises:
        StoreError: In place of the engine's `TypeError`, `ValueError` or `OverflowError`.
    """
    try:
        yield
    except StoreError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        # What it says of a wrong type is a list of all that it tried.
        reason = "" if isinstance(error, TypeError) else f": {one_line(error)}"
        raise StoreError(f"the engine does not take {what}{reason}") from None


class ServerCalls(QdrantBase):
    """`QdrantBase` whose calls for servers and clusters say so."""


def _refusal(call: str, feature: str) -> Callable[..., Any]:
    def refuse(self: ServerCalls, *args: Any, **kwargs: Any) -> Any:
        raise unsupported(f"{feature} ({call})")

    refuse.__name__ = call
    refuse.__doc__ = f"Refused: the embedded engine has no {feature}."
    return refuse


for _call, _feature in _SERVER_CALLS.items():
    setattr(ServerCalls, _call, _refusal(_call, _feature))
