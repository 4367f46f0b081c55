"""The services of a day against each other: what every line loses, or that it is paid nothing apart."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import UNIT
from claimsctl.price.ranks import (
    ASSISTS,
    ENDOSCOPY,
    FIFTY_ONE,
    FURTHER_PERCENT,
    INJECTION,
    LEFT,
    MOST_SURGERIES,
    NO_SECOND_SIDE,
    PAIR,
    PAYABLE,
    PROFESSIONAL_PERCENT,
    RANKED,
    RIGHT,
    SIDES,
    SURGERY,
    TECHNICAL_PERCENT,
    THERAPY,
    TWO_SIDES,
)

_ONE_PAYMENT: Final = "Both sides are paid as one."
_OPERATION: Final = ["rank_day", "assists"]
"""Assistants at surgery are ranked among themselves."""


def ranked(candidates: pl.LazyFrame) -> pl.DataFrame:
    """RANKED for every line that several services of its day change, from the candidates of all parts."""
    rule = pl.col("rank_rule")
    given = candidates.filter(rule.is_not_null())
    several = given.filter(rule != PAYABLE).collect(engine="streaming")
    if several.is_empty():
        return pl.DataFrame(schema=RANKED)
    several = several.with_columns(
        _flag(FIFTY_ONE).alias("has_51"),
        _flag(ASSISTS).alias("assists"),
        _flag(PAIR).alias("is_pair"),
        _flag(NO_SECOND_SIDE).alias("no_second_side"),
        _flag(TWO_SIDES).alias("two_sides"),
        (pl.col("rank_fee") * UNIT).alias("fee"),
    )
    found = [
        _surgeries(several.filter(rule.is_in([SURGERY, ENDOSCOPY, SIDES]))),
        *(
            part
            for each, percent in TECHNICAL_PERCENT.items()
            for part in _diagnostic(several.filter(rule == each), percent)
        ),
        _therapy(several.filter(rule == THERAPY)),
        _injections(several.filter(rule == INJECTION), given),
    ]
    return pl.concat([each.select(pl.col(n).cast(k) for n, k in RANKED.items()) for each in found])


def aligned(rows: pl.LazyFrame, found: pl.DataFrame) -> pl.LazyFrame:
    """What `ranked` found as columns aligned with `rows` (row_index)."""
    names = [name for name in RANKED if name != "row_index"]
    joined = rows.select("row_index").join(found.lazy(), on="row_index", how="left", maintain_order="left")
    return joined.select(names)


def _flag(bit: int) -> pl.Expr:
    return (pl.col("rank_flags") & bit) > 0


# --- surgeries


def _surgeries(rows: pl.DataFrame) -> pl.DataFrame:
    """Sides, families of endoscopies, then the ranking: what is paid of every line, in 10^-7 dollar."""
    rows = _families(_sides(rows))
    services = _services(rows)
    rows = rows.join(services, on=[*_OPERATION, "service"], how="left", maintain_order="left")
    halves = 2 * pl.col("whole") + pl.col("half")
    # SIDES are not ranked: their service is paid whole.
    paid = pl.when(pl.col("rank_rule") == SIDES).then("payable").otherwise(
        pl.col("payable") * halves // (2 * pl.col("positions"))
    )  # fmt: skip
    billed = pl.col("fee") * pl.col("rank_units")
    by_report = (pl.col("beyond") > 0) & (pl.col("rank_rule") != SIDES)
    nothing = pl.col("payable") == 0
    word = (
        pl.when(nothing).then(pl.lit(status.BUNDLED)).when(by_report).then(pl.lit(status.CONTRACTOR_PRICED))
    )
    note = (
        pl.when(nothing & pl.col("is_follower")).then(pl.lit(_ONE_PAYMENT))
        .when(nothing).then(pl.lit("It is the base of another endoscopy of the day, which includes it."))
        .when(by_report).then(pl.lit(f"After the first {MOST_SURGERIES} surgeries of a day: by report."))
        .when(pl.col("alone_with_51")).then(pl.lit("51, and no other surgery of the day is in the file."))
        .when((pl.col("services") > 1) & (pl.col("rank_rule") != SIDES))
        .then(pl.format("Surgery {} of {} that day.", pl.col("place"), pl.col("services")))
    )  # fmt: skip
    return rows.with_columns(
        (billed - paid).alias("rank_deduction"),
        word.alias("rank_status"),
        note.alias("rank_note"),
        _surgery_adjustment().alias("rank_adjustment"),
    )


def _sides(rows: pl.DataFrame) -> pl.DataFrame:
    """Marks the second of two lines of a code that are its left and right side, with its `leader`.

    `payable`: what is paid of a line before ranking. 150 % of the fee for both sides where the bilateral
    indicator is 1, 100 % where it is 0 or 2 (RVU26B).
    """
    follower, leader = _second_side(*_OPERATION)
    fee = pl.col("fee")
    second = pl.when("no_second_side").then(0).otherwise(fee // 2)
    rows = rows.with_columns(follower.alias("is_follower"), leader.alias("leader"))
    payable = (
        pl.when("is_follower").then(second + fee * (pl.col("rank_units") - 1))
        .when("is_pair").then(fee + second)
        .otherwise(fee * pl.col("rank_units"))
    )  # fmt: skip
    return rows.with_columns(
        payable.alias("payable"), pl.when("is_pair").then(1).otherwise("rank_units").alias("positions")
    )


def _second_side(*day: str) -> tuple[pl.Expr, pl.Expr]:
    """Whether a line is the other side of a line of the same code and fee before it, and that line."""
    code, row = [*day, "rank_code", "rank_fee"], pl.col("row_index")
    left, right = (row.filter(pl.col("rank_sides") == side).min().over(code) for side in (LEFT, RIGHT))
    follower = (row == pl.max_horizontal(left, right)) & left.is_not_null() & right.is_not_null()
    return follower.fill_null(False), pl.min_horizontal(left, right)


def _families(rows: pl.DataFrame) -> pl.DataFrame:
    """Endoscopies with one base: the highest is paid whole, of every other one what it is above the base.

    They are one `service`, and so are the two sides of a code.
    """
    family = [*_OPERATION, "rank_family"]
    row = pl.col("row_index")
    member = pl.col("rank_family").is_not_null() & ~pl.col("is_follower")
    count = pl.col("positions").filter(member).sum().over(family)
    derived = (pl.col("rank_rule") == ENDOSCOPY).filter(member).any().over(family)
    rows = rows.with_columns((member & (count > 1) & derived).fill_null(False).alias("in_family"))
    rows = rows.sort("rank_fee", "row_index", descending=[True, False])
    fee = pl.col("fee")
    above = (fee - pl.col("rank_base") * UNIT).clip(lower_bound=0)
    above = pl.when(pl.col("rank_rule") == ENDOSCOPY).then(above).otherwise(0)
    first = pl.col("in_family") & (row == row.filter(pl.col("in_family")).first().over(family))
    payable = above * pl.col("positions") + pl.when(first).then(fee - above).otherwise(0)
    rows = rows.with_columns(
        pl.when("in_family").then(payable).otherwise("payable").alias("payable"),
        pl.when("in_family").then(1).otherwise("positions").alias("positions"),
        pl.when("in_family").then(row.filter(pl.col("in_family")).min().over(family)).otherwise(row)
        .alias("service"),
        first.alias("is_first"),
    )  # fmt: skip
    leaders = rows.select(pl.col("row_index").alias("leader"), pl.col("service").alias("leading"))
    rows = rows.join(leaders, on="leader", how="left", maintain_order="left")
    return rows.with_columns(pl.when("is_follower").then("leading").otherwise("service").alias("service"))


def _services(rows: pl.DataFrame) -> pl.DataFrame:
    """Every service of an operation day with its `place`, and how many of its units are paid `whole`, `half`
    and not at all without a report (`beyond`)."""
    joined = pl.col("in_family") | pl.col("is_follower") | pl.col("is_follower").any().over("service")
    # A service of several lines, or of two sides, ranks by what is paid for all of it.
    sided = pl.col("payable") * pl.col("rank_value") // pl.col("rank_fee").clip(lower_bound=1)
    worth = pl.when(joined | pl.col("is_pair")).then(sided).otherwise(pl.col("rank_value") * UNIT)
    ranking = (
        rows.filter(pl.col("rank_rule") != SIDES)
        .with_columns(worth.alias("worth"))
        .group_by([*_OPERATION, "service"])
        .agg(
            pl.col("worth").sum(), pl.col("positions").max().alias("units"), pl.col("has_51").any(),
        )
        .sort([*_OPERATION, "worth", "service"], descending=[False, False, True, False])
    )  # fmt: skip
    end = pl.col("units").cum_sum().over(_OPERATION)
    start = end - pl.col("units")
    whole = (start == 0).cast(pl.Int64)
    half = (pl.min_horizontal(end, MOST_SURGERIES) - pl.max_horizontal(start, 1)).clip(lower_bound=0)
    ranking = ranking.with_columns(
        whole.alias("whole"),
        half.alias("half"),
        pl.len().over(_OPERATION).alias("services"),
        pl.int_range(1, pl.len() + 1).over(_OPERATION).alias("place"),
        pl.col("units").sum().over(_OPERATION).alias("all_units"),
    )
    # The modifier says that there is another one, on a claim that is not here.
    alone = pl.col("has_51") & (pl.col("all_units") == 1)
    return ranking.select(
        *_OPERATION,
        "service",
        "services",
        "place",
        alone.alias("alone_with_51"),
        pl.when(alone).then(0).otherwise("whole").alias("whole"),
        pl.when(alone).then(1).otherwise("half").alias("half"),
        (pl.col("units") - pl.col("whole") - pl.col("half")).alias("beyond"),
    )


def _surgery_adjustment() -> pl.Expr:
    percent = f"{FURTHER_PERCENT}%"
    second = pl.when("no_second_side").then(pl.lit("0%")).otherwise(pl.lit("50%"))
    both = pl.when("no_second_side").then(pl.lit("100%")).otherwise(pl.lit("150%"))
    texts = [
        pl.when("is_follower").then(pl.format("other side:{}", second)),
        pl.when("is_pair").then(pl.format("2 sides:{}", both)),
        pl.when(pl.col("in_family") & ~pl.col("is_first")).then(pl.lit("endoscopy:above base")),
        pl.when((pl.col("rank_rule") != SIDES) & (pl.col("half") > 0)).then(
            _of_units(f"51:{percent}", pl.col("half"))
        ),
    ]
    text = pl.concat_str(texts, separator=";", ignore_nulls=True)
    return pl.when(text != "").then(text)


# --- diagnostic services and therapy


def _first(value: str, *ties: str) -> pl.Expr:
    """Whether a line has the highest value of its day; of equal ones the first, by `ties` and file order."""
    row = pl.col("row_index")
    order = row.sort_by(value, *ties, row, descending=[True, *(True for _ in ties), False], nulls_last=True)
    return (row == order.first().over("rank_group_day")) & pl.col(value).is_not_null()


def _further(value: str, first: str) -> pl.Expr:
    """How many units of a line come after the first one of the day, of those that have a value."""
    units = pl.col("positions") - pl.col(first).cast(pl.Int64)
    return pl.when(pl.col(value).is_not_null()).then(units).otherwise(0)


def _diagnostic(rows: pl.DataFrame, percent: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The technical part after the first at `percent`; of imaging the professional part at 95 %, apart.

    The second of two lines that are the sides of a code whose fee is for both is not paid.
    """
    follower = _second_side("rank_group_day")[0] & pl.col("no_second_side")
    rows = rows.with_columns(follower.alias("is_follower"))
    bundled = rows.filter("is_follower").with_columns(
        pl.lit(0, pl.Int64).alias("rank_deduction"),
        pl.lit(status.BUNDLED).alias("rank_status"),
        pl.lit(_ONE_PAYMENT).alias("rank_note"),
        pl.lit(None, pl.String).alias("rank_adjustment"),
    )
    return _reduced(rows.filter(~pl.col("is_follower")), percent), bundled


def _reduced(rows: pl.DataFrame, percent: int) -> pl.DataFrame:
    sides = pl.when("two_sides").then(2).otherwise(1)
    rows = rows.with_columns(
        (pl.when("is_pair").then(1).otherwise("rank_units") * sides).alias("positions"), sides.alias("sides")
    ).with_columns(
        _first("rank_value").alias("first_technical"), _first("rank_second").alias("first_professional")
    )
    technical = _further("rank_value", "first_technical")
    professional = _further("rank_second", "first_professional")
    lost = (
        (technical * pl.col("rank_cut").fill_null(0) + professional * pl.col("rank_second_cut").fill_null(0))
        * UNIT
        // pl.col("sides")
    )
    second_unit = pl.when("is_pair").then("fee").otherwise(0)
    texts = [
        pl.when("is_pair").then(pl.lit("2 sides:100%")),
        pl.when(technical > 0).then(_of_units(f"TC:{percent}%", technical)),
        pl.when(professional > 0).then(_of_units(f"26:{PROFESSIONAL_PERCENT}%", professional)),
    ]
    text = pl.concat_str(texts, separator=";", ignore_nulls=True)
    whole = pl.col("rank_value").is_null() & pl.col("rank_second").is_null()
    return rows.with_columns(
        (lost + second_unit).alias("rank_deduction"),
        pl.lit(None, pl.String).alias("rank_status"),
        pl.when(whole & (pl.len().over("rank_group_day") > 1))
        .then(pl.lit("Its technical part has no row of its own, so it is not reduced beside others."))
        .alias("rank_note"),
        pl.when(text != "").then(text).alias("rank_adjustment"),
    )


def _of_units(text: str, units: pl.Expr) -> pl.Expr:
    return (
        pl.when(pl.col("positions") == 1)
        .then(pl.lit(text))
        .otherwise(
            pl.format(
                f"{text} of {{}} {{}}",
                units,
                pl.when(units == 1).then(pl.lit("unit")).otherwise(pl.lit("units")),
            )
        )
    )


def _therapy(rows: pl.DataFrame) -> pl.DataFrame:
    """Half the practice expense of every unit after the one with the highest (ties: the highest fee)."""
    rows = rows.with_columns(pl.col("rank_units").alias("positions")).with_columns(
        _first("rank_value", "rank_second").alias("is_first")
    )
    units = _further("rank_value", "is_first")
    return rows.with_columns(
        (units * pl.col("rank_cut") * UNIT).alias("rank_deduction"),
        pl.lit(None, pl.String).alias("rank_status"),
        pl.lit(None, pl.String).alias("rank_note"),
        pl.when(units > 0).then(_of_units(f"PE:{FURTHER_PERCENT}%", units)).alias("rank_adjustment"),
    )


def _injections(rows: pl.DataFrame, given: pl.LazyFrame) -> pl.DataFrame:
    """Status T is paid only where nothing else payable stands on the day."""
    days = rows["rank_day"].unique()
    others = given.filter(pl.col("rank_day").is_in(days.implode()), pl.col("rank_rule") != INJECTION)
    paid = others.select("rank_day").collect(engine="streaming")["rank_day"].unique()
    return rows.filter(pl.col("rank_day").is_in(paid.implode())).with_columns(
        pl.lit(0, pl.Int64).alias("rank_deduction"),
        pl.lit(status.BUNDLED).alias("rank_status"),
        pl.lit("Status T: another service of the day is paid.").alias("rank_note"),
        pl.lit(None, pl.String).alias("rank_adjustment"),
    )
