"""Several services of one patient on one day: what is paid whole, and what the others lose.

Lines of a day may stand far apart, so this is done in three steps, as for NCCI edits: `candidates` gives
narrow columns aligned with the rows of a part, `ranked` looks at all of them at once, and `price` takes what
it says of its rows. Sources: RVU26B, multiple procedure indicator; Pub 100-04 ch. 12 s. 40.6 (surgery,
endoscopies), ch. 5 s. 10.7 (therapy), MLN Matters MM9647 (imaging) and MM7848 (cardiovascular, eye).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import CENT, FACTOR_ONE
from claimsctl.price.fees import other_row, practice_expense, with_half_practice_expense
from claimsctl.price.keys import keyed, with_needed
from claimsctl.price.names import MODIFIERS
from claimsctl.price.schedule import Schedule
from claimsctl.price.unit import BY_RATE, unit_prices

PAYABLE, SURGERY, ENDOSCOPY, IMAGING, THERAPY, CARDIOVASCULAR, EYE, INJECTION, SIDES = range(1, 10)
_BY_INDICATOR: Final = {
    "1": SURGERY,
    "2": SURGERY,
    "3": ENDOSCOPY,
    "4": IMAGING,
    "5": THERAPY,
    "6": CARDIOVASCULAR,
    "7": EYE,
}
TECHNICAL_PERCENT: Final = {IMAGING: 50, CARDIOVASCULAR: 75, EYE: 80}
"""Percent of the technical part of every service after the first."""
PROFESSIONAL_PERCENT: Final = 95
"""Percent of the professional part of imaging after the first, since 2017."""
FURTHER_PERCENT: Final = 50
MOST_SURGERIES: Final = 5
"""Further surgeries of a day are paid by report."""

CANDIDATE: Final = {
    "row_index": pl.UInt32,
    "rank_day": pl.UInt64,
    "rank_group_day": pl.UInt64,
    "rank_rule": pl.UInt8,
    "rank_code": pl.String,
    "rank_family": pl.String,
    "rank_fee": pl.Int64,
    "rank_value": pl.Int64,
    "rank_second": pl.Int64,
    "rank_cut": pl.Int64,
    "rank_second_cut": pl.Int64,
    "rank_base": pl.Int64,
    "rank_units": pl.Int64,
    "rank_sides": pl.UInt8,
    "rank_flags": pl.UInt8,
}
"""Columns of `candidates`. Money in ten-thousandths of a dollar, for one unit: `rank_fee` before modifiers,
`rank_value` what is ranked by (with both sides; the technical part; the practice expense), `rank_second` the
second thing (the professional part; the fee), the cuts what a unit after the first loses in each, `rank_base`
the fee of the base endoscopy."""

RANKED: Final = {
    "row_index": pl.UInt32,
    "rank_deduction": pl.Int64,
    "rank_status": pl.String,
    "rank_note": pl.String,
    "rank_adjustment": pl.String,
}
"""Columns of `ranked`: `rank_deduction` in 10^-7 dollar, before the factor of modifiers."""

LEFT, RIGHT = 1, 2
FIFTY_ONE, ASSISTS, PAIR, NO_SECOND_SIDE, TWO_SIDES = 1, 2, 4, 8, 16
"""Flags: modifier 51; assistant at surgery; two units that are the two sides; the second side is paid
nothing; both sides are paid whole."""


def candidates(frame: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """CANDIDATE columns aligned with the rows of `frame` (NEEDED columns); null where nothing is ranked.

    A line that only has to be there, so that injections of the day are not paid, has the rule PAYABLE.
    """
    rows = with_needed(frame)
    codes, code, two = schedule.codes, pl.col("procedure_code"), pl.col("units") == 2
    kinds = rows.select("procedure_code").join(codes, on="procedure_code", how="left", maintain_order="left")
    left, right = (
        pl.any_horizontal([pl.col(m) == side for m in MODIFIERS]).fill_null(False) for side in ("LT", "RT")
    )
    one_side = left != right
    chosen = rows.select(
        (kinds["is_ranked"] | (one_side & kinds["has_sides"]) | (two & kinds["is_doubled"])).fill_null(False)
        & code.is_not_null()
    ).to_series()
    days = rows.select("row_index", _day("same_provider").alias("rank_day"))
    found = _values(rows.filter(chosen), schedule)
    payable = days.with_columns(
        pl.when(kinds["is_payable"]).then(pl.lit(PAYABLE, pl.UInt8)).alias("payable"), chosen.alias("chosen")
    )
    joined = payable.join(found, on="row_index", how="left", maintain_order="left")
    rule = pl.when("chosen").then("rank_rule").otherwise("payable")
    day = pl.when(pl.col("rank_rule").is_not_null()).then("rank_day")
    return (
        joined.with_columns(rule.alias("rank_rule"))
        .with_columns(day.alias("rank_day"))
        .select(pl.col(name).cast(kind) for name, kind in CANDIDATE.items())
    )


def _day(provider: str) -> pl.Expr:
    """A key of patient, provider and day; of the row alone where patient and claim are not known."""
    patient = [
        pl.when(pl.col(name).is_not_null()).then(pl.col(name).hash(seed=place))
        for place, name in enumerate(("same_patient", "claim_id", "claim_number"), 1)
    ]
    who = pl.coalesce(*patient, pl.col("row_index").hash(seed=4))
    whom = pl.coalesce(provider, "same_provider", "billing_npi").fill_null("")
    return pl.struct(who.alias("who"), whom.alias("whom"), pl.col("service_date_from")).hash(seed=17)


def _values(rows: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """CANDIDATE columns, but for the day, of lines that may be ranked."""
    none = pl.DataFrame(schema=CANDIDATE).drop("rank_day")
    if rows.is_empty():
        return none
    numbers, combinations = keyed(rows, schedule)
    prices = unit_prices(combinations, schedule)
    if not (prices["status"] == status.PRICED).any():
        return none
    unit = _unit_values(prices, schedule)
    line = pl.DataFrame([unit[name].gather(numbers) for name in unit.columns])
    group_day = rows.select(_day("billing_npi").alias("rank_group_day"))
    given = rows["row_index", "units", "charge_amount"].get_columns()
    line = line.with_columns(*given, group_day.to_series())
    pair = (pl.col("units") == 2) & pl.col("is_doubled")
    flags = pl.col("flags") + pair.fill_null(False).cast(pl.UInt8) * PAIR
    units = pl.col("units")
    whole_units = (units > 0) & (units == units.floor()) & (units < 10**6)
    billed = (pl.col("charge_amount") > 0).fill_null(True)
    rule: pl.Expr = pl.when(whole_units & billed).then("rule")
    # Sides alone matter only where there are two of them.
    rule = pl.when((rule == SIDES) & pl.col("rank_sides").is_null() & ~pair).then(PAYABLE).otherwise(rule)
    return line.with_columns(
        rule.alias("rank_rule"), flags.alias("rank_flags"), pl.col("units").cast(pl.Int64).alias("rank_units")
    ).select([name for name in CANDIDATE if name != "rank_day"])


def _unit_values(unit: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """What combinations are ranked by, and what their units lose."""
    rule = pl.col("mult_proc").replace_strict(_BY_INDICATOR, default=None, return_dtype=pl.UInt8)
    bilateral = pl.col("bilateral")
    sided = bilateral.is_in(["0", "1", "2"])
    rule = (
        pl.when((pl.col("status") != status.PRICED) | BY_RATE).then(None)
        .when(pl.col("fee_status") == "T").then(INJECTION)
        # A return to the operating room is not ranked with the first surgery (ch. 12 s. 40.4).
        .when(pl.col("is_return")).then(PAYABLE)
        .when(pl.col("is_other_session") & rule.is_in(list(TECHNICAL_PERCENT))).then(PAYABLE)
        .when(rule.is_not_null()).then(rule)
        .when(sided).then(SIDES)
        .otherwise(PAYABLE)
    )  # fmt: skip
    flags = [
        (pl.col("has_51"), FIFTY_ONE),
        (pl.col("assists"), ASSISTS),
        (bilateral.is_in(["0", "2"]), NO_SECOND_SIDE),
        (pl.col("side_factor") == 2 * FACTOR_ONE, TWO_SIDES),
    ]
    bits = pl.sum_horizontal([flag.fill_null(False).cast(pl.UInt8) * bit for flag, bit in flags])
    bases = schedule.fees["endo_base"].unique().drop_nulls()
    code = pl.col("procedure_code")
    return (
        unit.with_columns(
            rule.alias("rule"),
            code.alias("rank_code"),
            pl.coalesce("endo_base", pl.when(code.is_in(bases.implode())).then(code)).alias("rank_family"),
            (pl.col("cents") * CENT).alias("rank_fee"),
            pl.when(sided).then("side").alias("rank_sides"),
            (bilateral.is_in(["1", "2"]) & ~pl.col("is_other_way")).alias("is_doubled"),
            bits.alias("flags"),
        )
        .pipe(_diagnostic_values, schedule)
        .pipe(_other_values, schedule)
        .select(
            "rule", "rank_code", "rank_family", "rank_fee", "rank_value", "rank_second", "rank_cut",
            "rank_second_cut", "rank_base", "rank_sides", "is_doubled", "flags",
        )
    )  # fmt: skip


def _diagnostic_values(unit: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """Technical and professional part of every service, and what each loses after the first.

    The reduction comes before the OPPS cap: what is left is the lower of the two (final rule of the fee
    schedule for 2007, 71 FR 69624).
    """
    code = pl.col("procedure_code")
    technical, professional = (other_row(unit, schedule, code, part) for part in ("TC", "26"))
    own, split = pl.col("own_row"), pl.col("pctc") == "1"

    def part(frame: pl.DataFrame, alone: pl.Expr, name: str) -> pl.Expr:
        of_whole = pl.when(split & (own == "")).then(frame[name])
        return pl.when(alone).then(name).otherwise(of_whole)

    only_technical, only_professional = (own == "TC") | (pl.col("pctc") == "3"), own == "26"
    fee, uncapped, cap = (
        part(technical, only_technical, n) for n in ("cents", "uncapped_cents", "opps_cents")
    )
    left = pl.lit(None, pl.Int128)
    for rule, percent in TECHNICAL_PERCENT.items():
        # Percents of cents are ten-thousandths.
        left = pl.when(pl.col("rule") == rule).then(uncapped * percent).otherwise(left)
    second = pl.when(pl.col("rule") == IMAGING).then(part(professional, only_professional, "cents"))
    return unit.with_columns(
        (uncapped * CENT).alias("technical"),
        (fee * CENT - pl.min_horizontal(left, cap * CENT)).alias("technical_cut"),
        (second * CENT).alias("rank_second"),
        (second * (100 - PROFESSIONAL_PERCENT)).alias("rank_second_cut"),
    )


def _other_values(unit: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    therapy, diagnostic = pl.col("rule") == THERAPY, pl.col("rule").is_in(list(TECHNICAL_PERCENT))
    base = pl.lit(other_row(unit, schedule, pl.col("endo_base"), "")["cents"]) * CENT
    fee = pl.col("rank_fee")
    both_sides = fee * pl.col("side_factor") // FACTOR_ONE
    half = fee - with_half_practice_expense() * CENT
    return unit.with_columns(
        pl.when(therapy).then(practice_expense()).when(diagnostic).then("technical").otherwise(both_sides)
        .alias("rank_value"),
        pl.when(therapy).then(half).when(diagnostic).then("technical_cut").alias("rank_cut"),
        pl.when(therapy).then(fee).otherwise("rank_second").alias("rank_second"),
        pl.coalesce(base, fee).alias("rank_base"),
    )  # fmt: skip
