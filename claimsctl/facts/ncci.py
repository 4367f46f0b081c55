"""NCCI procedure-to-procedure edits: which line is bundled into another one of the same day.

An edit is a pair of codes. When both are billed for one patient by one provider on one day, the second
(column 2) is paid only where the edit allows it (modifier indicator 1) and a modifier says why.
Hospitals have edits of their own for outpatient bills; lines of a hospital and of a practitioner never meet.
Source: CMS NCCI Policy Manual for Medicare Services, chapter 1, sections A and E; Pub 100-04 ch. 23 s. 20.9.
"""

from __future__ import annotations

from typing import Final

import polars as pl

BYPASSING: Final = (
    "24", "25", "57", "58", "78", "79", "27", "59", "91", "XE", "XP", "XS", "XU",
    "E1", "E2", "E3", "E4", "FA", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9",
    "TA", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "LT", "RT", "LC", "LD", "LM", "RC", "RI",
)  # fmt: skip
"""Modifiers associated with NCCI (policy manual ch. 1, section E)."""

TYPES: Final = {
    "ncci_column1": "text",
    "ncci_indicator": "text",
    "ncci_bypassed": "boolean",
    "ncci_by_59_only": "boolean",
    "ncci_paired": "boolean",
}
"""Facts of a line that stands in column 2 of an edit with another line, and `ncci_paired` of one that stands
in either column; null where it does not."""

_DTYPES: Final = {"text": pl.String, "boolean": pl.Boolean}
SCHEMA: Final = {name: _DTYPES[kind] for name, kind in TYPES.items()}
_MODIFIERS: Final = tuple(f"modifier_{n}" for n in range(1, 5))
HOSPITAL: Final = "ncci_hospital"
"""Fact and column of edits: those for outpatient hospitals, not those for practitioners."""
NEEDED: Final = (
    "procedure_code", "service_date_from", "same_patient", "same_provider", HOSPITAL, *_MODIFIERS,
)  # fmt: skip
ROW: Final = "row_index"
_ANY, _OTHER_THAN_59 = 1, 2


def lines(frame: pl.DataFrame) -> pl.DataFrame:
    """Row-aligned: row_index, ncci_day (key of patient, provider, day and whose edits hold; null where none
    do), whose they are, code, date, modifiers as bits."""
    parts = ("same_patient", "same_provider", "service_date_from", HOSPITAL)
    known = pl.all_horizontal([pl.col(name).is_not_null() for name in (*parts, "procedure_code")])
    has = pl.any_horizontal([pl.col(m).is_in(BYPASSING).fill_null(False) for m in _MODIFIERS])
    other = [m for m in BYPASSING if m != "59"]
    has_other = pl.any_horizontal([pl.col(m).is_in(other).fill_null(False) for m in _MODIFIERS])
    return frame.select(
        pl.col(ROW),
        pl.when(known).then(pl.struct(parts).hash(seed=11)).alias("ncci_day"),
        pl.col(HOSPITAL),
        pl.col("procedure_code").alias("ncci_code"),
        pl.col("service_date_from").alias("ncci_date"),
        (has.cast(pl.UInt8) * _ANY + has_other.cast(pl.UInt8) * _OTHER_THAN_59).alias("ncci_modifiers"),
    )


COLUMNS: Final = (ROW, "ncci_day", HOSPITAL, "ncci_code", "ncci_date", "ncci_modifiers")
"""What `lines` gives."""


def bundled(given: pl.LazyFrame, edits: pl.LazyFrame, earlier: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Lines in column 2 of an edit in force: row_index and the facts of TYPES, one row per line.

    `edits`: column1, column2, modifier_indicator, valid_from, valid_to, ncci_hospital. Of several edits of a
    line the strictest counts: one that nothing bypasses, then one that no modifier bypasses. `earlier`:
    lines of earlier runs (the columns of `given`), which may stand in column 1.
    """
    lines = given.select(COLUMNS).with_columns(pl.lit(True).alias("asks"))
    if earlier is not None:
        days = given.select("ncci_day").unique()
        past = earlier.select(COLUMNS).join(days, on="ncci_day", how="semi")
        lines = pl.concat([lines, past.with_columns(pl.lit(False).alias("asks"))])
    several = (
        lines.filter(pl.col("ncci_day").is_not_null())
        .filter(pl.col("ncci_code").n_unique().over("ncci_day") > 1)
        .collect(engine="streaming")
    )
    nothing = pl.DataFrame(schema={ROW: pl.UInt32, **SCHEMA})
    if several.is_empty():
        return nothing
    codes = several["ncci_code"].unique().implode()
    # Two million edits: only those between codes of the file are ever in memory.
    known = edits.filter(
        pl.col("column1").is_in(codes), pl.col("column2").is_in(codes), pl.col("modifier_indicator") != 9
    ).collect(engine="streaming")
    if known.is_empty():
        return nothing
    met = (
        several.join(
            several.select(
                "ncci_day", column1="ncci_code", others="ncci_modifiers", other=ROW, other_asks="asks"
            ),
            on="ncci_day",
        )
        .rename({"ncci_code": "column2"})
        .join(known, on=["column1", "column2", HOSPITAL])
    )
    day, first, last = pl.col("ncci_date"), pl.col("valid_from"), pl.col("valid_to")
    in_force = (first.is_null() | (day >= first)) & (last.is_null() | (day <= last))
    either = pl.col("ncci_modifiers") | pl.col("others")
    met = met.filter(in_force)
    strictest = (
        met.filter("asks")
        .select(
            ROW,
            pl.col("column1").alias("ncci_column1"),
            pl.col("modifier_indicator").cast(pl.String).alias("ncci_indicator"),
            (either > 0).alias("ncci_bypassed"),
            (either == _ANY).alias("ncci_by_59_only"),
            pl.lit(True).alias("ncci_paired"),
        )
        .sort(ROW, "ncci_indicator", "ncci_bypassed", "ncci_column1")
        .unique(ROW, keep="first", maintain_order=True)
    )
    firsts = met.filter("other_asks").select(pl.col("other").alias(ROW), pl.lit(True).alias("ncci_paired"))
    firsts = firsts.unique()
    return pl.concat([strictest, firsts.join(strictest, on=ROW, how="anti")], how="diagonal")


def aligned(rows: pl.LazyFrame, found: pl.DataFrame) -> pl.LazyFrame:
    """The facts as columns aligned with `rows` (row_index)."""
    if found.is_empty():
        nothing = [pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items()]
        return rows.select(ROW).with_columns(nothing).select(list(SCHEMA))
    joined = rows.select(ROW).join(found.lazy(), on=ROW, how="left", maintain_order="left")
    return joined.select(list(SCHEMA))
