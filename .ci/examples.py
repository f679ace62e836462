"""Let mkdocstrings show the examples of docstrings as code: Griffe knows them under the heading "Examples:" alone."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Gives the heading "Example:", which this package's docstrings have, the name that Griffe reads."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rename the heading in the package's own docstring."""
        self.on_object(obj=pkg)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the heading in one object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
