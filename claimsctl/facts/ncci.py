"""NCCI procedure-to-procedure edits: which line is bundled into another one of the same day.

An edit is a pair of codes. When both are billed for one patient by one provider on one day, the second
(column 2) is paid only where the edit allows it (modifier indicator 1) and a modifier says why.
Hospitals have edits of their own for outpatient bills; lines of a hospital and of a practitioner never meet.
Source: CMS NCCI Policy Manual for Medicare Services, chapter 1, sections A and E; Pub 100-04 ch. 23 s. 20.9.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final

import polars as pl

SIDES: Final = (
    "E1", "E2", "E3", "E4", "FA", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9",
    "TA", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "LT", "RT", "LC", "LD", "LM", "RC", "RI",
)  # fmt: skip
"""Anatomic modifiers: one on the column 2 code separates it, unless column 1 has the same."""
BYPASSING: Final = {
    **{modifier: 1 << at for at, modifier in enumerate(SIDES)},
    "59": 1 << 40,
    **dict.fromkeys(("XE", "XP", "XS", "XU"), 1 << 41),
    **dict.fromkeys(("24", "25", "27", "57"), 1 << 42),
    **dict.fromkeys(("58", "78", "79", "91"), 1 << 43),
}
"""Modifiers associated with NCCI (policy manual ch. 1, section E), each with its bit."""
_SIDES, _59, _X, _OF_VISITS, _OF_PROCEDURES = (
    pl.lit(bits, pl.UInt64) for bits in ((1 << len(SIDES)) - 1, 1 << 40, 1 << 41, 1 << 42, 1 << 43)
)
_LISTED: Final = pl.Enum(list(BYPASSING))
_BITS: Final = pl.lit(pl.Series([0, *BYPASSING.values()], dtype=pl.UInt64))
_VISIT: Final = r"^(?:99[2-4]\d\d|920[01][24])$"
_PROCEDURE: Final = r"^(?:0[01]\d{3}|[1-8]\d{4})$"
"""Anesthesia, surgery, radiology and laboratory: modifiers of visits mean nothing there (MOD-013)."""

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


def lines(frame: pl.DataFrame) -> pl.DataFrame:
    """Row-aligned: row_index, ncci_day (key of patient, provider, day and whose edits hold; null where none
    do), whose they are, code, date, modifiers packed into a number."""
    parts = ("same_patient", "same_provider", "service_date_from", HOSPITAL)
    known = pl.all_horizontal([pl.col(name).is_not_null() for name in (*parts, "procedure_code")])
    return frame.select(
        pl.col(ROW),
        pl.when(known).then(pl.struct(parts).hash(seed=11)).alias("ncci_day"),
        pl.col(HOSPITAL),
        pl.col("procedure_code").alias("ncci_code"),
        pl.col("service_date_from").alias("ncci_date"),
        _packed().alias("ncci_modifiers"),
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
    met = met.filter(in_force)
    by_59, otherwise = _bypassed()
    strictest = (
        met.filter("asks")
        .select(
            ROW,
            pl.col("column1").alias("ncci_column1"),
            pl.col("modifier_indicator").cast(pl.String).alias("ncci_indicator"),
            (by_59 | otherwise).alias("ncci_bypassed"),
            (by_59 & ~otherwise).alias("ncci_by_59_only"),
            pl.lit(True).alias("ncci_paired"),
        )
        .sort(ROW, "ncci_indicator", "ncci_bypassed", "ncci_column1")
        .unique(ROW, keep="first", maintain_order=True)
    )
    firsts = met.filter("other_asks").select(pl.col("other").alias(ROW), pl.lit(True).alias("ncci_paired"))
    firsts = firsts.unique()
    return pl.concat([strictest, firsts.join(strictest, on=ROW, how="anti")], how="diagonal")


def _packed() -> pl.Expr:
    """The places in BYPASSING of the four modifiers, from 1, a byte each. (Bits take ten times as long; they
    are only made of the lines that meet.)"""
    places = [pl.col(m).cast(_LISTED, strict=False).to_physical().cast(pl.UInt32) + 1 for m in _MODIFIERS]
    return pl.sum_horizontal(place * 256**at for at, place in enumerate(places)).cast(pl.UInt32)


def _bits(packed: str) -> pl.Expr:
    return reduce(or_, [_BITS.gather(pl.col(packed) // 256**at % 256) for at in range(len(_MODIFIERS))])


def _bypassed() -> tuple[pl.Expr, pl.Expr]:
    """Whether 59 on one of the two lines bypasses the edit, and whether another modifier does.

    59 and X count on either line (CR 11168), modifiers of visits on the line that may be a visit. A visit
    is not separated by a side, nor by what the procedure beside it is in another one's global period.
    """
    second, first = _bits("ncci_modifiers"), _bits("others")
    procedure = pl.col("column2").str.contains(_PROCEDURE), pl.col("column1").str.contains(_PROCEDURE)
    either = second | first
    of_visit = ((second & _OF_VISITS) > 0) & ~procedure[0] | ((first & _OF_VISITS) > 0) & ~procedure[1]
    side = (second & ~first & _SIDES) > 0
    apart = (side | ((either & _OF_PROCEDURES) > 0)) & ~pl.col("column2").str.contains(_VISIT)
    return (either & _59) > 0, ((either & _X) > 0) | of_visit | apart


def aligned(rows: pl.LazyFrame, found: pl.DataFrame) -> pl.LazyFrame:
    """The facts as columns aligned with `rows` (row_index)."""
    if found.is_empty():
        nothing = [pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items()]
        return rows.select(ROW).with_columns(nothing).select(list(SCHEMA))
    joined = rows.select(ROW).join(found.lazy(), on=ROW, how="left", maintain_order="left")
    return joined.select(list(SCHEMA))
