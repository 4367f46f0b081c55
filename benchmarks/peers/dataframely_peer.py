"""dataframely: a schema whose rules are Polars expressions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from benchmarks.peers.expressions import ROW, holds, read, report_failures
from benchmarks.peers.twenty import COLUMNS, RULES


def _schema() -> Any:
    body: dict[str, Any] = {ROW: dy.UInt32(nullable=False)}
    body |= {column: dy.String(nullable=True) for column in COLUMNS}
    for number, rule in enumerate(RULES):
        expression = holds(rule)

        def check(cls: Any, expression: pl.Expr = expression) -> pl.Expr:
            return expression

        check.__name__ = f"rule_{number}"
        body[f"rule_{number}"] = dy.rule()(check)
    return type("Line", (dy.Schema,), body)


def run(source: Path, report: Path) -> int:
    """`filter` splits good rows from failures; the failures say which rules each row broke."""
    frame = read(source)
    _good, failure = _schema().filter(frame.select(ROW, *COLUMNS), cast=True)
    details = failure.details()
    failed = details.select(
        (pl.col(f"rule_{number}") == "invalid").fill_null(False) for number in range(len(RULES))
    )
    return report_failures(details, failed, report)
