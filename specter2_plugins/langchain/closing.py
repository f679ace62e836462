"""Closing what was opened for a vector store."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import Any

from typing_extensions import Self


class Closing:
    """`close`, or the end of a `with`, closes what it owns, such as the client that `open_vector_store` opened for it.

    A client that it was given stays open.
    """

    _owned: ExitStack | None = None

    def own(self, resources: ExitStack) -> None:
        """Close these too, at the latest when nobody has this any more or Python ends."""
        self._owned = resources
        weakref.finalize(self, resources.close)

    def close(self) -> None:
        """Close what this owns."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._owned is not None:
            self._owned.__exit__(*error)
