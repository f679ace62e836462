from tests.cli.conftest import specter2

__all__ = ["specter2"]
