"""Polars alone, rules written by hand: what a careful engineer could do without any tool."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.expressions import holds, read, report_failures
from benchmarks.peers.twenty import RULES


def run(source: Path, report: Path) -> int:
    """One select of twenty expressions."""
    frame = read(source)
    failed = frame.select(
        (~holds(rule)).fill_null(False).alias(f"rule_{number}") for number, rule in enumerate(RULES)
    )
    return report_failures(frame, failed, report)
