"""Names of columns that several parts of pricing share."""

from __future__ import annotations

from typing import Final

MODIFIERS: Final = tuple(f"modifier_{n}" for n in range(1, 5))
