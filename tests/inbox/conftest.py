"""Commands in this process."""

from tests.cli.conftest import command
from tests.cli.conftest import read_few as read_once

__all__ = ["command", "read_once"]  # fixtures
