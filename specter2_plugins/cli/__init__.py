"""The command `specter2`."""

from specter2_plugins.extras import require

require("typer", "typer", "cli")

from specter2_plugins.cli.app import main  # noqa: E402

__all__ = ["main"]
