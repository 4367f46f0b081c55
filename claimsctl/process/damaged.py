"""Cells with the mark that a wrong encoding leaves in place of a character (catalogue FILE-006)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import polars as pl

from claimsctl.facts.coded import is_coded
from claimsctl.facts.typed import Layout
from claimsctl.process.file_rules import FileRules
from claimsctl.validate.checks import Check
from claimsctl.validate.findings import fill_text

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
DAMAGED: Final = "FILE-006"


def damaged_cells(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """`row_index` and `field` of the damaged cells of a part, coded or not; of known columns only."""
    fields = dict(layout.columns)
    fields |= {f"{who}_last_name": raw for who, raw in layout.full_names.items()}
    found = [pl.DataFrame(schema={"row_index": pl.UInt32, "field": pl.String})]
    suspects = _not_ascii(rows)
    for name, raw in fields.items():
        cells = rows[raw] if raw in rows.columns else None
        if cells is None or (cells.dtype == pl.String and raw not in suspects):
            continue
        if is_coded(cells):
            damaged = layout.codebook.codings[raw].derived("damaged", _damaged)
            here = damaged.gather(cells.to_physical()) if damaged.any() else None
        else:
            here = _damaged(cells)
        if here is not None and here.any():
            found.append(rows.filter(here.fill_null(False)).select("row_index", pl.lit(name).alias("field")))
    return pl.concat(found)


def _not_ascii(rows: pl.DataFrame) -> set[str]:
    """Text columns with some character that is not ASCII: comparing lengths is far cheaper than searching."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    if not texts or not rows.height:
        return set()
    odd = rows.select((pl.col(texts).str.len_bytes() != pl.col(texts).str.len_chars()).any()).row(0)
    return {name for name, some in zip(texts, odd, strict=True) if some}


def _damaged(texts: pl.Series) -> pl.Series:
    return texts.str.contains(REPLACEMENT, literal=True)


def damage_checks(fields: Collection[str], rules: FileRules) -> tuple[Check, ...]:
    """What findings of damaged cells say, a check for each field; none where the rule is left out."""
    rule = rules.rules.get(DAMAGED)
    if rule is None:
        return ()
    reason = "{column} has a character that could not be read ({value})"
    told = replace(rule, level="line", error_message=fill_text(rule.error_message, {"reason": reason}))
    severity, nothing = rules.severities.get(DAMAGED, rule.severity), frozenset[str]()
    return tuple(
        Check(told, severity, field, pl.lit(False), nothing, frozenset()) for field in sorted(fields)
    )
