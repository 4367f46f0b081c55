"""Jobs of real runs on tiny files."""

from __future__ import annotations

from tests.cli.conftest import command, prepared
from tests.cli.conftest import read_few as read_once

__all__ = ["command", "prepared", "read_once"]  # fixtures
