"""`python -m specter2_plugins`: the command `specter2`."""

from specter2_plugins.cli import main

main()
