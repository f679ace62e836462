"""The command `specter2`."""

from __future__ import annotations

import sys

from specter2_plugins.errors import MissingExtraError
from specter2_plugins.extras import require

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit code 0, 1 (failed, one line on stderr says why) or 2 (usage)."""
    try:
        require("typer", "typer", "cli")
        require("rich", "rich", "cli")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    from specter2_plugins.cli.app import main

    main()
