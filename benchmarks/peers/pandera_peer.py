"""pandera with its Polars engine: checks of columns, and of the frame where two columns meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl

from benchmarks.peers.expressions import ROW, holds, read
from benchmarks.peers.twenty import COLUMNS, CROSS_KINDS, RULES, Rule


def _check(rule: Rule) -> Any:
    expression = holds(rule).fill_null(True)

    def run(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(expression)

    return pa.Check(run, name=rule.name, ignore_na=False)


def _column(name: str) -> Any:
    checks = [_check(rule) for rule in RULES if rule.column == name and rule.kind not in CROSS_KINDS]
    return pa.Column(str, checks=checks, nullable=True)


def run(source: Path, report: Path) -> int:
    """Failure cases carry the position of the row in the frame."""
    frame = read(source)
    schema = pa.DataFrameSchema(
        {name: _column(name) for name in COLUMNS},
        checks=[_check(rule) for rule in RULES if rule.kind in CROSS_KINDS],
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        parts = []
        for rule in RULES:
            rows = cases.filter(pl.col("check") == rule.name)["index"]
            if len(rows):
                parts.append(
                    pl.DataFrame({ROW: rows + 2, "value": frame[rule.column].gather(rows)}).select(
                        ROW, pl.lit(rule.name).alias("rule"), pl.lit(rule.column).alias("column"), "value"
                    )
                )
        findings = pl.concat(parts).sort(ROW)
        findings.write_csv(report)
        return findings.height
    return 0
