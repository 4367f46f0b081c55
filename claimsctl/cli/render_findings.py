"""The findings of a run on the terminal: what one action clears, and counts by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from claimsctl.cli.screen import Screen, count, new_table

MAX_CAUSES: Final = 8
MAX_CODES: Final = 10
_SEVERITY_STYLES: Final = {"error": "red", "warning": "yellow", "info": "blue"}


def show_causes(screen: Screen, causes: Sequence[Mapping[str, Any]]) -> None:
    """The first causes, each with what clears it."""
    if not causes:
        return
    screen.heading("Fix this first")
    for number, cause in enumerate(causes[:MAX_CAUSES], 1):
        notes = [count(cause[k], k[:-1]) for k in ("rows", "claims") if cause.get(k)]
        if cause.get("severity", "error") != "error":
            notes.append(str(cause["severity"]))
        extent = f" ({', '.join(notes)})" if notes else ""
        screen.labelled(f"{number}.", f"{cause.get('cause', '')}{extent}", 2, 2)
        fix = str(cause.get("fix") or "")
        if "\n" in fix:  # lines to copy into a file
            screen.line(fix, "green", 5)
        elif fix:
            screen.wrapped(fix, 5, "green")
    if len(causes) > MAX_CAUSES:
        screen.line(f"  {len(causes) - MAX_CAUSES:,} more in summary.json, under causes.", "dim")


def show_codes(screen: Screen, codes: Sequence[Mapping[str, Any]]) -> None:
    """The most frequent codes with a message of each."""
    if not codes:
        return
    some = f", {MAX_CODES} of {len(codes):,}" if len(codes) > MAX_CODES else ""
    screen.heading(f"Findings by code{some}")
    table = new_table("Code", "Severity", "Rows", "What")
    table.columns[2].justify = "right"
    for column in table.columns[:3]:
        column.no_wrap = True
    table.columns[3].overflow = "fold"
    for found in codes[:MAX_CODES]:
        severity = str(found.get("severity", ""))
        table.add_row(
            screen.text(str(found.get("code", ""))),
            screen.text(severity, _SEVERITY_STYLES.get(severity, "")),
            f"{found.get('rows') or 0:,}",
            screen.text(str(found.get("message", ""))),
        )
    screen.block(table)
