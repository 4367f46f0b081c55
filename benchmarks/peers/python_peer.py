"""A plain Python loop over csv.DictReader."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.peers.twenty import REPORT_HEADER, RULES, passes


def run(source: Path, report: Path) -> int:
    """Twenty function calls per row."""
    count = 0
    with (
        source.open(newline="", encoding="utf-8") as lines,
        report.open("w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(REPORT_HEADER)
        for number, row in enumerate(csv.DictReader(lines), 2):
            for rule in RULES:
                if not passes(rule, row):  # type: ignore[arg-type]
                    writer.writerow((number, rule.name, rule.column, row[rule.column]))
                    count += 1
    return count
