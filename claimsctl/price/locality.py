"""Where a line is paid: the payment locality a line names, the default one, or that of its ZIP code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.price import status

if TYPE_CHECKING:
    from claimsctl.price.schedule import Schedule

NEEDED: Final = ("medicare_locality", "facility_zip", "billing_zip")
_FORM: Final = r"^\s*(\d{4,5})[-/ ]+(\d{1,2})\s*$|^\s*(\d{5})(\d{2})\s*$"
NO_DEFAULT: Final = "Give a Medicare locality such as 01112/05, a default one, or a ZIP code."


def normal(text: str) -> str:
    """A locality as the tables have it, `01112-05`, from `01112/05`, `1112-5` or `0111205`.

    UsageError when it does not look like one.
    """
    found = re.match(_FORM, text)
    if found is None:
        raise UsageError(
            f"{text!r} is no Medicare locality.", hint="Give contractor and number, such as 01112/05."
        )
    contractor, number = (found[1], found[2]) if found[1] else (found[3], found[4])
    return f"{contractor:0>5}-{number:0>2}"


def _normal(text: pl.Expr) -> pl.Expr:
    contractor = pl.coalesce(text.str.extract(_FORM, 1), text.str.extract(_FORM, 3)).str.zfill(5)
    number = pl.coalesce(text.str.extract(_FORM, 2), text.str.extract(_FORM, 4)).str.zfill(2)
    return pl.concat_str(contractor, number, separator="-")


def located(rows: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """Row-aligned `locality`, `locality_status` and `locality_note`; the last two null where it is known.

    `rows`: NEEDED and `period`. A locality of the line counts first, then the default, then the ZIP of
    the place of service, or of who bills where that is blank.
    """
    default = schedule.default_locality
    zip_code = pl.coalesce("facility_zip", "billing_zip").str.extract(r"^\s*(\d{5})(?:-?\d{4})?\s*$", 1)
    key = ["medicare_locality", "zip", "period"]
    where = rows.select(
        "medicare_locality",
        # A ZIP that does not count would only make more keys.
        (pl.when(pl.col("medicare_locality").is_null()).then(zip_code) if default is None
         else pl.lit(None, pl.String)).alias("zip"),
        "period",
    )  # fmt: skip
    keys = where.unique()
    blocks = schedule.period_frame.select("period", "zip_block")
    named = pl.col("medicare_locality").is_not_null()
    known = (
        keys.join(blocks, on="period", how="left")
        .join(schedule.zips, on=["zip_block", "zip"], how="left")
        .with_columns(_normal(pl.col("medicare_locality")).alias("said"))
    )
    by_zip = pl.when(~pl.col("plus_four").fill_null(False)).then("zip_locality")
    locality = pl.when(named).then("said").otherwise(pl.lit(default) if default is not None else by_zip)
    no_table = schedule.zips.is_empty()
    why = (
        pl.when(pl.col("locality").is_not_null()).then(pl.lit(None, pl.String))
        .when(named).then(pl.lit(status.UNKNOWN_LOCALITY))
        .when(pl.col("plus_four")).then(pl.lit(status.ZIP4_NEEDED))
        .otherwise(pl.lit(status.NO_LOCALITY))
    )  # fmt: skip
    note = (
        pl.when(pl.col("locality_status") == status.UNKNOWN_LOCALITY)
        .then(pl.lit("The Medicare locality is not written as 01112/05."))
        .when(pl.col("locality_status") == status.ZIP4_NEEDED)
        .then(pl.lit("Give the Medicare locality itself."))
        .when(pl.col("locality_status").is_null()).then(pl.lit(None, pl.String))
        .when(pl.col("zip").is_null()).then(pl.lit(NO_DEFAULT))
        .when(pl.lit(no_table)).then(pl.lit("No table of ZIP codes (zip_locality) is loaded."))
        .otherwise(pl.lit("The ZIP code is in no payment locality."))
    )  # fmt: skip
    known = known.with_columns(locality.alias("locality")).with_columns(why.alias("locality_status"))
    known = known.select(*key, "locality", "locality_status", note.alias("locality_note"))
    found = where.join(known, on=key, how="left", nulls_equal=True, maintain_order="left")
    return found.select("locality", "locality_status", "locality_note")
