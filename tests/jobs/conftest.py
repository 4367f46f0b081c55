"""Jobs of real runs on tiny files."""

from __future__ import annotations

from tests.cli.conftest import command, read_once

__all__ = ["command", "read_once"]  # fixtures
