"""Words of a denial risk that others compare with; here, who reads them need not load Polars."""

from __future__ import annotations

from typing import Final

LOW: Final = "low"
MEDIUM: Final = "medium"
HIGH: Final = "high"

RULES: Final = "rules"
"""`risk_source` where no model scored; else "model:" and its name."""
BETWEEN: Final = "; "
"""What stands between two reasons."""
