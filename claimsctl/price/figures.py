"""Tables of the fee schedule as what is computed with: whole numbers, by block of days.

Money and relative values are whole ten-thousandths (arithmetic), units whole thousandths. A table that is not
there has no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from claimsctl.price.arithmetic import DOLLAR, UNIT, WIDE, whole
from claimsctl.price.dated import BLOCK, Dated
from claimsctl.reference.tables import Table

_MEASURES: Final = {
    "work": "work_rvu",
    "pe_nonfacility": "pe_nonfacility",
    "pe_facility": "pe_facility",
    "mp": "mp_rvu",
    "opps_pe_nonfacility": "opps_pe_nonfacility",
    "opps_pe_facility": "opps_pe_facility",
    "opps_mp": "opps_mp",
    "pre_op": "pre_op",
    "intra_op": "intra_op",
    "post_op": "post_op",
    "cf": "conversion_factor",
}
"""Numbers of a fee row, computed with as whole ten-thousandths."""
INDICATORS: Final = (
    "fee_status", "pctc", "global_days", "mult_proc", "bilateral", "assistant", "co_surgeon", "team_surgeon",
    "endo_base",
)  # fmt: skip
FEE_COLUMNS: Final = (BLOCK, "code", "modifier", *INDICATORS, *_MEASURES)
_INDICES: Final = {"gpci_work": "work_gpci", "gpci_work_floor": "work_gpci_floor", "gpci_pe": "pe_gpci",
                   "gpci_mp": "mp_gpci"}  # fmt: skip


def fees(tables: Sequence[Dated], shifts: Sequence[int]) -> pl.DataFrame:
    """Fee rows of all blocks (FEE_COLUMNS), modifier "" where none; `shifts` are added to block numbers."""
    parts = []
    for dated, shift in zip(tables, shifts, strict=True):
        if dated.rows.is_empty():
            continue
        measures = [whole(pl.col(there)).alias(name) for name, there in _MEASURES.items()]
        block = (pl.col(BLOCK) + shift).cast(pl.UInt32)
        parts.append(dated.rows.select(
            block, pl.col("code"), pl.col("modifier").fill_null(""), pl.col("status").alias("fee_status"),
            *INDICATORS[1:], *measures,
        ))  # fmt: skip
    if parts:
        return pl.concat(parts)
    text = dict.fromkeys(("code", "modifier", *INDICATORS), pl.String)
    return pl.DataFrame(schema={BLOCK: pl.UInt32, **text, **dict.fromkeys(_MEASURES, WIDE)})


def codes(fees: pl.DataFrame) -> pl.DataFrame:
    """What a code is in any block: `is_ranked` among services of a day, `is_doubled` by two units that are
    two sides, `has_sides`, `is_payable`."""
    one = pl.col("mult_proc").is_in(list("1234567")) | (pl.col("fee_status") == "T")
    bilateral = pl.col("bilateral")
    has_rvu = pl.sum_horizontal("work", "pe_nonfacility", "pe_facility", "mp") > 0
    return fees.group_by(pl.col("code").alias("procedure_code")).agg(
        one.any().alias("is_ranked"),
        bilateral.is_in(["1", "2"]).any().alias("is_doubled"),
        bilateral.is_in(["0", "1", "2"]).any().alias("has_sides"),
        (pl.col("fee_status").is_in(["A", "R"]) & has_rvu).any().alias("is_payable"),
    )


def gpcis(dated: Dated) -> pl.DataFrame:
    """Indices by gpci_block and locality."""
    schema = {"gpci_block": pl.UInt32, "locality": pl.String, **dict.fromkeys(_INDICES, WIDE)}
    if dated.rows.is_empty():
        return pl.DataFrame(schema=schema)
    indices = [whole(pl.col(there)).alias(name) for name, there in _INDICES.items()]
    return _under_both_contractors(dated.rows.select(pl.col(BLOCK).alias("gpci_block"), "locality", *indices))


def anesthesia_factors(dated: Dated) -> pl.DataFrame:
    """Anesthesia conversion factors by anesthesia_block and locality."""
    if dated.rows.is_empty():
        schema = {"anesthesia_block": pl.UInt32, "locality": pl.String, "anesthesia_cf": WIDE}
        return pl.DataFrame(schema=schema)
    factor = whole(pl.col("conversion_factor")).alias("anesthesia_cf")
    return _under_both_contractors(
        dated.rows.select(pl.col(BLOCK).alias("anesthesia_block"), "locality", factor)
    )


def anesthesia_bases(dated: Dated) -> pl.DataFrame:
    """Base units of anesthesia codes by base_block."""
    if dated.rows.is_empty():
        schema = {"base_block": pl.UInt32, "procedure_code": pl.String, "base_units": WIDE}
        return pl.DataFrame(schema=schema)
    units = whole(pl.col("base_units")) // (DOLLAR // UNIT)
    key = [pl.col(BLOCK).alias("base_block"), pl.col("code").alias("procedure_code")]
    rows = dated.rows.select(*key, units.alias("base_units"))
    return rows.unique(["base_block", "procedure_code"], keep="last", maintain_order=True)


def zips(dated: Dated) -> pl.DataFrame:
    """Locality and plus_four flag by zip_block and zip."""
    if dated.rows.is_empty():
        text = dict.fromkeys(("zip", "zip_locality"), pl.String)
        return pl.DataFrame(schema={"zip_block": pl.UInt32, **text, "plus_four": pl.Boolean})
    locality = pl.col("locality").alias("zip_locality")
    return dated.rows.select(pl.col(BLOCK).alias("zip_block"), "zip", locality, "plus_four")


def nine_digit_zips(table: Table | None, wanted: pl.Series) -> pl.DataFrame:
    """`zip_plus_four`, `nine_locality` and the service dates they hold for, of the wanted codes."""
    dates = {"valid_from": pl.Date, "valid_to": pl.Date}
    if table is None:
        return pl.DataFrame(schema={"zip_plus_four": pl.String, "nine_locality": pl.String, **dates})
    rows = table.frame.filter(pl.col("zip").is_in(wanted.implode()))
    rows = rows.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in dates.items() if name not in rows.columns
    )
    locality = pl.col("locality").alias("nine_locality")
    return rows.select(pl.col("zip").alias("zip_plus_four"), locality, *dates)


def places(table: Table | None) -> pl.DataFrame:
    """Place of service and whether Medicare pays the facility rate there."""
    if table is None:
        return pl.DataFrame(schema={"place_of_service": pl.String, "facility": pl.Boolean})
    rows = table.frame.select(pl.col(table.key).alias("place_of_service"), "facility")
    return rows.unique("place_of_service", keep="last", maintain_order=True)


def _under_both_contractors(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a block first, then a locality. California's stand under contractor 01182 in one published
    file and under 01112 in another: each is found by both."""
    key = rows.columns[:2]
    other = {"01112": "01182", "01182": "01112"}
    contractor, number = pl.col("locality").str.head(5), pl.col("locality").str.tail(2)
    twins = rows.filter(contractor.is_in(list(other))).with_columns(
        pl.concat_str(contractor.replace(other), number, separator="-").alias("locality")
    )
    return pl.concat([rows, twins.join(rows, on=key, how="anti")])
