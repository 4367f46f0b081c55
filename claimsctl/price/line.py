"""What every line should pay, and why: the price columns of a frame of claim lines."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import anesthesia, modifiers, status
from claimsctl.price.arithmetic import (
    DOLLAR,
    FACTOR_ONE,
    FOUR_DECIMALS,
    MONEY,
    UNIT,
    WIDE,
    decimal,
    gross,
    half_up,
    money,
    payable,
)
from claimsctl.price.cases import Case, decided
from claimsctl.price.keys import keyed, with_needed
from claimsctl.price.manual import SOCIAL_WORKER, STATUTORY
from claimsctl.price.ranked import aligned, ranked
from claimsctl.price.ranks import RANKED, candidates
from claimsctl.price.schedule import Schedule
from claimsctl.price.unit import ANESTHESIA, BY_RATE, unit_prices

OUTPUT: Final = {
    "expected_allowed_amount": MONEY,
    "pricing_status": pl.String(),
    "pricing_source": pl.String(),
    "work_rvu": FOUR_DECIMALS,
    "pe_rvu": FOUR_DECIMALS,
    "mp_rvu": FOUR_DECIMALS,
    "total_rvu": FOUR_DECIMALS,
    "gpci_work": FOUR_DECIMALS,
    "gpci_pe": FOUR_DECIMALS,
    "gpci_mp": FOUR_DECIMALS,
    "conversion_factor": FOUR_DECIMALS,
    "modifier_adjustment": pl.String(),
    "limiting_charge": MONEY,
    "statutory_adjustment": pl.String(),
    "adjusted_allowed_amount": MONEY,
    "expected_net_amount": MONEY,
    "pricing_note": pl.String(),
}
"""Columns that `price` gives."""

NON_PARTICIPATING: Final = 9_500
"""Hundredths of a percent of the fee schedule that a non-participating provider is paid (Pub 100-04 ch. 1 s.
30.3.12, RVU26B)."""
LIMITING: Final = 10_925
"""The limiting charge: 115 % of that."""
_ALL: Final = 10_000


def price(frame: pl.DataFrame, schedule: Schedule, ranks: pl.DataFrame | None = None) -> pl.DataFrame:
    """OUTPUT, aligned with the rows of `frame` (NEEDED columns, typed).

    `ranks` are the columns of `aligned` for these rows; without them the lines of the frame are ranked among
    themselves. `expected_allowed_amount` is what the schedule or contract allows for the line; null where
    it is not priced: `pricing_status` says why, a word of status.SENTENCES, and `pricing_note` what about
    this line. `adjusted_allowed_amount` is it after the percents of the provider (what a remittance should
    show), `expected_net_amount` after sequestration too. RVU and indices are those the amount was computed
    with, of one unit.
    """
    frame = with_needed(frame)
    numbers, combinations = keyed(frame, schedule)
    unit = unit_prices(combinations, schedule)
    if not (unit["status"] == status.PRICED).any():
        return _reasons(unit, numbers)  # as of most files of a practice whose locality is not known
    return _worked(frame, numbers, unit, schedule, ranks).select(list(OUTPUT))


def worked(frame: pl.DataFrame, schedule: Schedule, ranks: pl.DataFrame | None = None) -> pl.DataFrame:
    """OUTPUT and what it was computed from."""
    frame = with_needed(frame)
    numbers, combinations = keyed(frame, schedule)
    return _worked(frame, numbers, unit_prices(combinations, schedule), schedule, ranks)


def _reasons(unit: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """OUTPUT of lines of which none is priced: the reasons of their combinations."""
    said = pl.DataFrame({f"pricing_{name}": unit[name].gather(numbers) for name in ("status", "note")})
    return said.select(
        pl.col(name) if name in said.columns else pl.lit(None, kind).alias(name)
        for name, kind in OUTPUT.items()
    )


def _worked(
    frame: pl.DataFrame,
    numbers: pl.Series,
    unit: pl.DataFrame,
    schedule: Schedule,
    ranks: pl.DataFrame | None,
) -> pl.DataFrame:
    if ranks is None:
        found = ranked(candidates(frame, schedule).lazy())
        ranks = aligned(frame.lazy(), found).collect(engine="in-memory")
    unit = _unit_columns(unit, schedule)
    rows = pl.DataFrame([unit[name].gather(numbers) for name in unit.columns])
    rows = rows.with_columns(
        *frame["units", "unit_type", "minutes", "charge_amount"].get_columns(),
        *ranks.select([name for name in RANKED if name != "row_index"]).get_columns(),
    )
    rows = _decided(rows.with_columns(_paid_units().alias("paid_units")).with_columns(_cents()))
    return _amounts(rows, schedule)


def _unit_columns(unit: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """What lines take from their combination, in the types of OUTPUT."""
    priced = pl.col("status") == status.PRICED
    by_fee = priced & ~BY_RATE & ~ANESTHESIA

    def shown(name: str, number: pl.Expr) -> pl.Expr:
        return pl.when(by_fee).then(decimal(number)).alias(name)

    work, practice, malpractice = (pl.col(part) for part in ("work", "pe", "mp"))
    factor = pl.when(ANESTHESIA).then("anesthesia_cf").otherwise("cf")
    statutory, texts = _statutory(schedule)
    return unit.with_columns(statutory.alias("statutory"), texts.alias("statutory_text")).select(
        pl.col("status").alias("unit_status"),
        pl.col("note").alias("unit_note"),
        pl.when(priced).then("base").alias("base"),
        pl.when(priced).then("factor").alias("factor"),
        pl.when(priced).then("source").alias("pricing_source"),
        shown("work_rvu", work),
        shown("pe_rvu", practice),
        shown("mp_rvu", malpractice),
        shown("total_rvu", work + practice + malpractice),
        *(shown(name, pl.col(name)) for name in ("gpci_work", "gpci_pe", "gpci_mp")),
        pl.when(priced & ~BY_RATE).then(decimal(factor)).alias("conversion_factor"),
        pl.when(priced).then("adjustment").alias("adjustment"),
        "base_units",
        "is_timed",
        "is_50",
        (~BY_RATE & (pl.col("bilateral") == "2")).fill_null(False).alias("is_two_sided"),
        pl.when(priced & pl.col("contract").is_null()).then("statutory").alias("statutory"),
        "statutory_text",
        (pl.col("provider_percent").is_null() & pl.col("contract").is_null()).alias("may_charge_more"),
        pl.col("lesser_of_charge").fill_null(False),
        (BY_RATE & pl.col("procedure_code").str.contains("^(?:A0|[EHJQST])")).alias("in_parts"),
    )


def _statutory(schedule: Schedule) -> tuple[pl.Expr, pl.Expr]:
    """The percents of a provider as a factor in 1 / STATUTORY_ONE, and what they are."""
    provider = pl.when(~pl.col("assists")).then("provider_percent")
    # AJ and the taxonomy of a clinical social worker say the same.
    worker, of_fee = pl.col("is_social_worker") & provider.is_null(), STATUTORY[SOCIAL_WORKER][0]
    own = pl.when(worker).then(pl.lit(int(of_fee * 100), pl.Int32)).otherwise(provider)
    percent = modifiers.percent_text(own.cast(WIDE) * (FACTOR_ONE // _ALL))
    word = pl.when(worker).then(pl.lit(SOCIAL_WORKER)).otherwise(pl.lit("provider"))
    outside = _ALL if schedule.terms.participating else NON_PARTICIPATING
    factor = own.fill_null(_ALL).cast(WIDE) * pl.col("statutory") * outside
    texts = [
        pl.when(own.is_not_null()).then(pl.format("{}:{}", word, percent)),
        pl.col("statutory_text"),
        pl.lit(None if schedule.terms.participating else "non-participating:95%", pl.String),
    ]
    return factor, modifiers.joined(texts, ";")


STATUTORY_ONE: Final = _ALL**3


def _paid_units() -> pl.Expr:
    """Units in thousandths: those billed, or base and time units of anesthesia."""
    minutes = pl.when(pl.col("unit_type") == "MJ").then("units").otherwise("minutes").cast(pl.Int64)
    billed = pl.col("units").to_physical().cast(WIDE) * UNIT // DOLLAR
    return pl.when(pl.col("is_timed").is_not_null()).then(anesthesia.units(minutes)).otherwise(billed)


def _cents() -> list[pl.Expr]:
    """`gross` of a line, and `full_cents` that it comes to."""
    amount = gross(pl.col("base"), pl.col("paid_units"))
    deduction = pl.col("rank_deduction").fill_null(0)
    return [amount.alias("gross"), payable(amount, pl.col("factor"), deduction).alias("full_cents")]


def _decided(rows: pl.DataFrame) -> pl.DataFrame:
    """`pricing_status` and `pricing_note` of every line: its combination's, then what its numbers say."""
    units, charge, ranked_out = pl.col("units"), pl.col("charge_amount"), pl.col("rank_status").is_not_null()
    billed = pl.col("is_timed").is_null()
    several = "50 says that both sides were done: bill one unit."
    cases = [
        Case(pl.col("unit_status") != status.PRICED, pl.col("unit_status"), pl.col("unit_note")),
        Case(billed & units.is_null(), status.BAD_UNITS, "No units."),
        Case(billed & (units <= 0), status.BAD_UNITS, "Units are not positive."),
        Case(
            billed & (units != units.floor()) & ~pl.col("in_parts"),
            status.BAD_UNITS,
            "The fee schedule pays whole units.",
        ),
        Case(billed & (units.round(3) != units), status.BAD_UNITS, "Units have at most three decimals."),
        Case(pl.col("is_50") & (units > 1), status.CONTRADICTORY_MODIFIERS, several),
        Case(pl.col("is_two_sided") & (units > 2), status.BAD_UNITS, "One unit of the code is both sides."),
        Case(pl.col("is_timed") & pl.col("paid_units").is_null(), status.ANESTHESIA_NO_TIME),
        Case(charge < 0, status.BAD_CHARGE, "A negative charge is no bill for a service."),
        Case(charge == 0, status.BAD_CHARGE, "Nothing is billed, so nothing is paid."),
        Case(pl.col("full_cents").is_null(), status.TOO_LARGE),
        Case(ranked_out, pl.col("rank_status"), pl.col("rank_note")),
    ]
    said = modifiers.joined([pl.col("unit_note"), pl.col("rank_note")], " ")
    found = decided(rows, cases, otherwise=said)
    return found.rename({"status": "pricing_status", "note": "pricing_note"})


def _amounts(rows: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """The amounts of priced lines, and what was done to them."""
    terms = schedule.terms
    priced = pl.col("pricing_status") == status.PRICED
    charge = (pl.col("charge_amount").to_physical().cast(WIDE)) // (DOLLAR // 100)
    lesser = pl.col("lesser_of_charge") & (charge < pl.col("full_cents")).fill_null(False)
    rows = rows.with_columns(
        pl.when(priced).then(pl.when(lesser).then(charge).otherwise("full_cents")).alias("cents"),
        lesser.alias("is_charge"),
    )
    adjusted = half_up(pl.col("cents") * pl.col("statutory"), STATUTORY_ONE)
    # Medicare's share is what is left after the coinsurance; the deductible is taken as met.
    taken = int(terms.sequestration_percent * terms.medicare_share_percent * 100)
    rows = rows.with_columns(
        pl.when(priced & pl.col("statutory").is_not_null())
        .then(adjusted)
        .otherwise("cents")
        .alias("adjusted")
    )
    by_medicare = pl.col("statutory").is_not_null()
    net = half_up(pl.col("adjusted") * (10**6 - taken), 10**6)
    sequestered = pl.lit(
        f"sequestration:{terms.sequestration_percent.normalize():f}%" if taken else None, pl.String
    )
    limit = half_up(pl.col("cents") * LIMITING, _ALL)
    unlimited = terms.participating
    return rows.with_columns(
        money(pl.col("cents")).alias("expected_allowed_amount"),
        money(pl.col("adjusted")).alias("adjusted_allowed_amount"),
        money(pl.when(by_medicare).then(net).otherwise("adjusted")).alias("expected_net_amount"),
        money(pl.when(pl.col("may_charge_more") & ~pl.lit(unlimited)).then(limit)).alias("limiting_charge"),
        pl.when(priced & by_medicare)
        .then(modifiers.joined([pl.col("statutory_text"), sequestered], ";"))
        .alias("statutory_adjustment"),
        pl.when(priced)
        .then(
            modifiers.joined(
                [
                    pl.col("adjustment"),
                    pl.col("rank_adjustment"),
                    pl.when("is_charge").then(pl.lit("charge")),
                ],
                ";",
            )
        )
        .alias("modifier_adjustment"),
    )
