"""Commands in this process."""

from tests.cli.conftest import command, read_once

__all__ = ["command", "read_once"]  # fixtures
