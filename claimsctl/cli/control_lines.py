"""What the terminal says of findings that a house put aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimsctl.cli.screen import count, listed


def control_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Labelled lines: what was suppressed and why, the most first; and what no longer is."""
    lines = []
    found = sorted(
        (each for each in summary.get("suppressed") or () if each["rows"]), key=lambda each: -each["rows"]
    )
    if found:
        total = sum(each["rows"] for each in found)
        words = [f"{e['rows']:,} of {e['code']} until {e['until']} ({e['reason']})" for e in found]
        lines.append(("Suppressed", f"{count(total, 'finding')}: {listed(words)}"))
    expired = summary.get("suppressions_expired") or ()
    if expired:
        words = [f"{each['code']} on {each['until']} ({each['reason']})" for each in expired]
        lines.append(("Warning", f"suppressions that have ended and no longer work: {listed(words)}"))
    return lines
