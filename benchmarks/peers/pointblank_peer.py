"""pointblank: a validation plan of twenty steps and the rows that fail each."""

from __future__ import annotations

from pathlib import Path

import pointblank as pb
import polars as pl

from benchmarks.peers.expressions import ROW, holds, read
from benchmarks.peers.twenty import RULES


def run(source: Path, report: Path) -> int:
    """Built-in steps where they say the same, expressions where they do not."""
    frame = read(source)
    plan = pb.Validate(frame)
    for rule in RULES:
        if rule.kind == "required":
            plan = plan.col_vals_not_null(columns=rule.column)
        elif rule.kind == "matches":
            plan = plan.col_vals_regex(columns=rule.column, pattern=str(rule.argument), na_pass=True)
        else:
            plan = plan.col_vals_expr(expr=holds(rule).fill_null(True))
    # It hands out the first 500 failing rows of a step, unless told otherwise.
    done = plan.interrogate(extract_limit=max(1, frame.height))
    parts = []
    for step, rule in enumerate(RULES, 1):
        rows = done.get_data_extracts(i=step, frame=True)
        if rows is not None and rows.height:
            parts.append(
                rows.select(
                    ROW,
                    pl.lit(rule.name).alias("rule"),
                    pl.lit(rule.column).alias("column"),
                    pl.col(rule.column).alias("value"),
                )
            )
    findings = pl.concat(parts).sort(ROW)
    findings.write_csv(report)
    return findings.height
