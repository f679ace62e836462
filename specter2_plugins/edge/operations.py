"""One operation on a collection, checked, and applied with its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from specter2_plugins.edge.collection import Collection
from specter2_plugins.edge.refusals import ServerCalls, refuse_options, taken
from specter2_plugins.edge.store import Store

DONE = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)
"""Every operation's answer: it is applied when its call returns."""


class Operations(ServerCalls):
    """What the calls that change a collection have in common."""

    _store: Store

    def _update(
        self,
        collection: str,
        operation: str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        points: int = 0,
        size: int = 0,
    ) -> models.UpdateResult:
        refuse_options(operation, options)
        with taken(f"the arguments of {operation}"):
            update = getattr(edge.UpdateOperation, operation)(*arguments)
        self._write(self._store[collection], update, points, size)
        return DONE

    def _write(self, collection: Collection, update: edge.UpdateOperation, points: int, size: int) -> None:
        collection.update(update, points, size)
