"""From hits to findings: the rows of errors.csv, with message, value and fix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.table import FACT_TYPES
from claimsctl.facts.typed import TEXT_SUFFIX, Layout, clean_text
from claimsctl.security.masking import mask_expr
from claimsctl.validate.ruleset import Check

FINDING: Final = {
    "input": pl.String,
    "row_number": pl.Int64,
    "claim_number": pl.String,
    "line_number": pl.Int64,
    "severity": pl.String,
    "code": pl.String,
    "category": pl.String,
    "field": pl.String,
    "value": pl.String,
    "message": pl.String,
    "suggestion": pl.String,
}
"""Columns of a finding, in the order of errors.csv. Value and message are masked for identifiers."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z_0-9]+)\}")


def display_names(checks: Sequence[Check]) -> set[str]:
    """Columns and facts that messages, suggestions and causes of the checks quote."""
    names: set[str] = set()
    for check in checks:
        names.add(check.field)
        for template in (check.rule.error_message, check.rule.suggestion, check.rule.cause or ""):
            names.update(check.field if n == "value" else n for n in _PLACEHOLDER.findall(template))
        names.discard("column")
    return names


def describe(
    hits: pl.DataFrame,
    checks: Sequence[Check],
    rows: pl.DataFrame,
    frame: pl.DataFrame,
    layout: Layout,
    *,
    input_name: str,
    show_phi: bool = False,
) -> pl.DataFrame:
    """One finding per hit, in hit order, with an extra column `cause` (null where the rule has none).

    `rows` is the raw part and `frame` its typed columns and facts; both are row-aligned with the hits.
    """
    if hits.is_empty():
        return pl.DataFrame(schema={**FINDING, "cause": pl.String})
    at = hits["row"].unique().sort()
    used = [checks[n] for n in hits["check"].unique().sort().to_list()]
    shown = _shown(rows[at], frame[at], layout, display_names(used) | {"claim_number"}, show_phi=show_phi)
    shown = shown.with_columns(at.alias("row"))
    parts = []
    for key, group in hits.with_row_index("order").partition_by("check", as_dict=True).items():
        check = checks[int(str(key[0]))]
        parts.append(_one_check(group, check, shown, input_name))
    return pl.concat(parts).sort("order").drop("order")


def _shown(
    rows: pl.DataFrame, frame: pl.DataFrame, layout: Layout, names: set[str], *, show_phi: bool
) -> pl.DataFrame:
    """What may be printed: original texts of columns (identifiers masked), facts as text."""
    texts = clean_text(rows, layout, sorted(n for n in names if n in BY_NAME))
    columns: list[pl.Series | pl.Expr] = []
    for name in texts.columns:
        text = pl.col(name)
        columns.append(text if show_phi else mask_expr(BY_NAME[name], text).alias(name))
    printable = texts.with_columns(columns) if columns else texts
    facts = [
        frame[n].cast(pl.String).alias(n) for n in sorted(names & FACT_TYPES.keys()) if n in frame.columns
    ]
    extra = [rows["row_number"], frame["line_number_in_claim"].cast(pl.Int64).alias("__line")]
    shown = pl.DataFrame([*printable.get_columns(), *[f for f in facts if f.name != "row_number"], *extra])
    absent = [n for n in names if n not in shown.columns]
    return shown.with_columns([pl.lit(None, pl.String).alias(n) for n in absent])


def _one_check(group: pl.DataFrame, check: Check, shown: pl.DataFrame, input_name: str) -> pl.DataFrame:
    rule = check.rule
    found = group.select("order", "row").join(shown, on="row", how="left", maintain_order="left")
    cause = fill(rule.cause, check) if rule.cause else pl.lit(None, pl.String)
    return found.select(
        pl.col("order"),
        pl.lit(input_name).alias("input"),
        "row_number",
        "claim_number",
        pl.col("__line").alias("line_number"),
        pl.lit(check.severity).alias("severity"),
        pl.lit(rule.code).alias("code"),
        pl.lit(rule.category).alias("category"),
        pl.lit(check.field).alias("field"),
        pl.col(check.field).cast(pl.String).alias("value"),
        fill(rule.error_message, check).alias("message"),
        fill(rule.suggestion, check).alias("suggestion"),
        cause.alias("cause"),
    )


def fill(template: str, check: Check) -> pl.Expr:
    """The template with each {placeholder} replaced by the row's text; blank values read "blank"."""
    pieces = _PLACEHOLDER.split(template)
    if len(pieces) == 1:
        return pl.lit(template)
    parts: list[pl.Expr] = []
    for n, piece in enumerate(pieces):
        if n % 2 == 0:
            parts.append(pl.lit(piece))
        else:
            if piece == "column":
                parts.append(pl.lit(check.field))
                continue
            name = check.field if piece == "value" else piece
            parts.append(pl.col(name).cast(pl.String).fill_null("blank"))
    return pl.concat_str(parts)


def fill_text(template: str, texts: Mapping[str, str]) -> str:
    """The template with each {placeholder} replaced from `texts`; what is not given reads "blank"."""
    return _PLACEHOLDER.sub(lambda found: texts.get(found.group(1)) or "blank", template)


__all__ = ["FINDING", "TEXT_SUFFIX", "describe", "display_names", "fill", "fill_text"]
