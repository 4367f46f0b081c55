"""The twenty rules as Polars expressions, for every tool that takes them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.peers.twenty import DATE, NUMBER, RULES, Rule

ROW = "row_number"


def holds(rule: Rule) -> pl.Expr:
    """True where the rule holds; null where it has nothing to say."""
    cell = pl.col(rule.column)
    match rule.kind:
        case "required":
            return cell.is_not_null()
        case "matches":
            return cell.str.contains(str(rule.argument))
        case "one_of":
            return cell.is_in(list(rule.argument))  # type: ignore[arg-type]
        case "npi":
            return _npi(cell)
        case "number_from":
            return cell.str.contains(NUMBER) & (cell.cast(pl.Float64, strict=False) >= pl.lit(rule.argument))
        case "number_not_above":
            other = pl.col(str(rule.argument))
            return cell.cast(pl.Float64, strict=False) <= other.cast(pl.Float64, strict=False)
        case "date_not_after":
            other = pl.col(str(rule.argument))
            comparable = cell.str.contains(DATE) & other.str.contains(DATE)
            return ~comparable | (cell <= other)


def _npi(cell: pl.Expr) -> pl.Expr:
    number = cell.cast(pl.Int64, strict=False)
    total: pl.Expr = pl.lit(24, pl.Int64)
    for place in range(10):
        digit = number // 10**place % 10
        if place % 2:
            digit = digit * 2 - pl.when(digit > 4).then(9).otherwise(0)
        total = total + digit
    return cell.str.contains("^[0-9]{10}$") & (total % 10 == 0)


def read(source: Path) -> pl.DataFrame:
    """The file as text with physical row numbers (header = 1; no quoted newlines in these files)."""
    return pl.read_csv(source, infer_schema=False, row_index_name=ROW, row_index_offset=2)


def report_failures(frame: pl.DataFrame, failed: pl.DataFrame, report: Path) -> int:
    """Write the report from one boolean column per rule, true where a row fails it; rows as in `frame`."""
    parts = []
    for number, rule in enumerate(RULES):
        rows = failed.to_series(number).arg_true()
        if len(rows):
            parts.append(
                frame.select(
                    pl.col(ROW).gather(rows),
                    pl.lit(rule.name).alias("rule"),
                    pl.lit(rule.column).alias("column"),
                    pl.col(rule.column).gather(rows).alias("value"),
                )
            )
    findings = pl.concat(parts).sort(ROW, maintain_order=True)
    findings.write_csv(report)
    return findings.height
