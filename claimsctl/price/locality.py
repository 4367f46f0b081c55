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
_NO_ZIP: Final = "The ZIP code does not have five or nine digits; a leading zero may be lost."
_NO_ZIP_EDITION: Final = (
    "No table of ZIP codes (zip_locality) is for the service date: load that of the date, or give the"
    " locality."
)
_NO_ZIP_TABLE: Final = (
    "The table of ZIP codes (zip_locality) is not loaded: `claimsctl reference fetch zip_locality` loads it;"
    " or give the locality, such as 01112/05."
)


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
    the place of service, or of who bills where that is blank; where five digits reach into several
    localities, the nine of it.
    """
    default = schedule.default_locality
    key = ["medicare_locality", "zip", "zip_plus_four", "zip_is_given", "period"]
    where = rows.select("medicare_locality", *_zips(schedule, asked=default is None), "period")
    keys = where.unique()
    known = (
        keys.join(schedule.period_frame.select("period", "zip_block"), on="period", how="left")
        .join(schedule.zips, on=["zip_block", "zip"], how="left")
        .with_columns(_normal(pl.col("medicare_locality")).alias("said"))
    )
    known = _by_nine_digits(known, schedule)
    by_zip = pl.when(pl.col("plus_four").fill_null(False)).then("nine_locality").otherwise("zip_locality")
    named = pl.col("medicare_locality").is_not_null()
    locality = pl.when(named).then("said").otherwise(by_zip if default is None else pl.lit(default))
    known = known.with_columns(locality.alias("locality"))
    known = known.with_columns(_why().alias("locality_status"))
    known = known.select(*key, "locality", "locality_status", _note(schedule).alias("locality_note"))
    found = where.join(known, on=key, how="left", nulls_equal=True, maintain_order="left")
    return found.select("locality", "locality_status", "locality_note")


def _zips(schedule: Schedule, *, asked: bool) -> list[pl.Expr]:
    """The ZIP of a line, its nine digits where five do not decide, null where neither counts; and whether
    there was one, readable or not."""
    text = pl.coalesce("facility_zip", "billing_zip").str.strip_chars()
    if not asked:
        none = [pl.lit(None, pl.String).alias(name) for name in ("zip", "zip_plus_four")]
        return [*none, pl.lit(False).alias("zip_is_given")]
    # A ZIP that does not count would only make more keys.
    text = pl.when(pl.col("medicare_locality").is_null()).then(text)
    five = text.str.extract(r"^(\d{5})(?:-?\d{4})?$", 1)
    several = schedule.zips.filter("plus_four")["zip"].unique()
    nine = text.str.replace_all("-", "", literal=True)
    is_nine = five.is_in(several.implode()) & (nine.str.len_chars() == 9)
    given = (text.is_not_null() & (text != "")).fill_null(False)
    return [
        five.alias("zip"),
        pl.when(is_nine).then(nine).alias("zip_plus_four"),
        given.alias("zip_is_given"),
    ]


def _by_nine_digits(known: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """The keys with `nine_locality`, from the table of ZIP+4 codes, of which a run wants few."""
    wanted = known["zip_plus_four"].drop_nulls().unique()
    if wanted.is_empty():
        return known.with_columns(pl.lit(None, pl.String).alias("nine_locality"))
    rows = schedule.nine_digit_zips(wanted)
    days = schedule.period_frame.select("period", "first")
    first, last, day = pl.col("valid_from"), pl.col("valid_to"), pl.col("first")
    holds = (first.is_null() | (first <= day)) & (last.is_null() | (last >= day))
    pairs = known.select("zip_plus_four", "period").unique().join(days, on="period")
    found = pairs.join(rows, on="zip_plus_four").filter(holds)
    found = found.unique(["zip_plus_four", "period"], keep="last", maintain_order=True)
    found = found.select("zip_plus_four", "period", "nine_locality")
    return known.join(found, on=["zip_plus_four", "period"], how="left")


def _why() -> pl.Expr:
    named = pl.col("medicare_locality").is_not_null()
    return (
        pl.when(pl.col("locality").is_not_null()).then(pl.lit(None, pl.String))
        .when(named).then(pl.lit(status.UNKNOWN_LOCALITY))
        .when(pl.col("plus_four")).then(pl.lit(status.ZIP4_NEEDED))
        .otherwise(pl.lit(status.NO_LOCALITY))
    )  # fmt: skip


def _note(schedule: Schedule) -> pl.Expr:
    why = pl.col("locality_status")
    no_nine = "The table of ZIP+4 codes (zip9_locality) does not have it: load it, or give the locality."
    return (
        pl.when(why.is_null()).then(pl.lit(None, pl.String))
        .when(why == status.UNKNOWN_LOCALITY).then(pl.lit("The Medicare locality is not like 01112/05."))
        .when((why == status.ZIP4_NEEDED) & pl.col("zip_plus_four").is_not_null()).then(pl.lit(no_nine))
        .when(why == status.ZIP4_NEEDED).then(pl.lit("Give all nine digits, or the locality itself."))
        .when(pl.col("zip").is_null() & pl.col("zip_is_given")).then(pl.lit(_NO_ZIP))
        .when(pl.col("zip").is_null()).then(pl.lit(NO_DEFAULT))
        .when(schedule.zips.is_empty()).then(pl.lit(_NO_ZIP_TABLE))
        .when(~pl.col("zip_block").is_in(schedule.zips["zip_block"].unique().implode()))
        .then(pl.lit(_NO_ZIP_EDITION))
        .otherwise(pl.lit("The ZIP code is in no payment locality."))
    )  # fmt: skip
