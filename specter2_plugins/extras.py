"""Importing optional dependencies, with the install line when one is missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from specter2_plugins.errors import MissingExtraError


def require(module: str, package: str, extra: str) -> ModuleType:
    """Import a module of an extra.

    Args:
        module: What to import.
        package: The distribution that holds it.
        extra: The extra of this package that brings it.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(package, extra) from None
