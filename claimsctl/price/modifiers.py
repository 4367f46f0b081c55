"""What modifiers do to a price, by the indicators of the fee schedule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import DOLLAR, FACTOR_ONE, WIDE
from claimsctl.price.cases import Case
from claimsctl.price.manual import EFFECTS, FACILITY, SHARED, Effect
from claimsctl.price.marks import EFFECT_COLUMNS
from claimsctl.price.names import MODIFIERS
from claimsctl.price.terms import Terms


def in_parts(percent: Decimal) -> int:
    """A percent as a factor in 10^-15."""
    return int(percent * (FACTOR_ONE // 100))


def always() -> list[Case]:
    """Modifiers that no schedule and no contract can make sense of."""
    clash = pl.col("contradiction")
    return [
        Case(pl.col("malformed"), status.BAD_MODIFIER),
        Case(clash.is_not_null(), status.CONTRADICTORY_MODIFIERS, clash),
    ]


def cases(by_rate: pl.Expr, terms: Terms) -> list[Case]:
    """Why a line is not priced because of a modifier. `by_rate`: a contract has a rate, not Medicare's."""
    denial = pl.col("denial")
    facility = "73 and 74 are for surgery centres and hospitals; a physician's line has 53."
    found = [
        Case(denial.is_not_null(), status.NOT_COVERED, denial),
        Case(pl.col("is_facility") & ~by_rate, status.MODIFIER_NOT_VALID, facility),
    ]
    if terms.reduced_services_percent is None:
        reduced = "A reduced service (52) is priced by the contractor."
        found.append(
            Case(
                pl.col("is_52") & (pl.col("taken") != "52").fill_null(True), status.CONTRACTOR_PRICED, reduced
            )
        )
    no_shares = pl.col("is_share") & (pl.sum_horizontal("pre_op", "intra_op", "post_op").fill_null(0) == 0)
    not_taken = pl.col("taken").is_null() | ~pl.col("taken").is_in(SHARED)
    found += [
        Case(
            no_shares & by_rate & not_taken,
            status.CONTRACTOR_PRICED,
            "The contract has no rate for this share of the surgery.",
        ),
        Case(
            no_shares & ~by_rate,
            status.MODIFIER_NOT_VALID,
            "The code has no preoperative, operative and postoperative shares.",
        ),
    ]
    for name, effect in zip(EFFECT_COLUMNS, EFFECTS, strict=True):
        here = pl.col(name).is_not_null() & (pl.col("taken") != pl.col(name)).fill_null(True)
        for value, percent in effect.percents.items():
            if isinstance(percent, str):
                note = f"{'/'.join(effect.modifiers)}: indicator {value} ({effect.manual})."
                found.append(Case(here & (pl.col(str(effect.indicator)) == value), percent, note))
    return found


def effects(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """The rows with what modifiers do: `factor` in 10^-15 and its part `side_factor` that comes before
    ranking, `adjustment` (`50:150%;80:16%`), and what is `said` of the line.

    `rows` have Marks, the indicators of their fee row, null where a contract is the only source, and `taken`,
    the modifier whose own rate a contract gives, which does nothing further.
    """
    # Most lines have none of these, and texts are dear.
    touched = pl.any_horizontal([pl.col(name).is_not_null() for name in EFFECT_COLUMNS])
    touched = touched | pl.col("is_facility") | pl.col("is_52")
    numbered = rows.with_row_index("number")
    nothing = pl.lit(FACTOR_ONE, WIDE)
    some = numbered.filter(touched)
    if some.is_empty():
        return rows.with_columns(
            nothing.alias("factor"), nothing.alias("side_factor"), pl.lit(None, pl.String).alias("adjustment")
        )
    made = _effects_of(some, terms)
    return numbered.join(made, on="number", how="left", maintain_order="left").with_columns(
        pl.col("factor").fill_null(nothing),
        pl.col("side_factor").fill_null(nothing),
        joined([pl.col("said"), pl.col("by_report")], " ").alias("said"),
    ).drop("number", "by_report")  # fmt: skip


def _effects_of(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    taken = pl.col("taken")
    whole = pl.lit(FACTOR_ONE, WIDE)
    there: list[tuple[Effect, pl.Expr]] = [
        (effect, pl.when((taken != pl.col(name)).fill_null(True)).then(pl.col(name)))
        for name, effect in zip(EFFECT_COLUMNS, EFFECTS, strict=True)
    ]
    there += _others(terms)
    # One column for each: an expression that is used twice is computed twice.
    own = [
        pl.when(modifier.is_not_null()).then(_own_factor(effect)).otherwise(whole).alias(f"own_{n}")
        for n, (effect, modifier) in enumerate(there)
    ]
    rows = rows.with_columns(own)
    factor = whole
    for n in range(len(there)):
        factor = factor * pl.col(f"own_{n}") // FACTOR_ONE
    texts = [
        pl.when(modifier.is_not_null()).then(pl.format("{}:{}", modifier, percent_text(pl.col(f"own_{n}"))))
        for n, (_, modifier) in enumerate(there)
    ]
    notes = [
        pl.when(modifier.is_not_null() & (pl.col(str(effect.indicator)) == value)).then(pl.lit(note))
        for effect, modifier in there
        for value, note in effect.notes.items()
    ]
    return rows.select(
        "number",
        factor.alias("factor"),
        pl.col("own_0").alias("side_factor"),
        joined(texts, ";").alias("adjustment"),
        joined(notes, " ").alias("by_report"),
    )


def _others(terms: Terms) -> list[tuple[Effect, pl.Expr]]:
    """What modifiers do that need no fee row: those of surgery centres, and 52 on the user's terms."""
    found: list[tuple[Effect, pl.Expr]] = []
    for modifier, percent in FACILITY.items():
        here = pl.any_horizontal([pl.col(m) == modifier for m in MODIFIERS]).fill_null(False)
        effect = Effect((modifier,), "Pub 100-04 ch. 14 s. 40.4", percent=percent)
        found.append(
            (effect, pl.when(here & (pl.col("taken") != modifier).fill_null(True)).then(pl.lit(modifier)))
        )
    if terms.reduced_services_percent is not None:
        effect = Effect(("52",), "your terms", percent=terms.reduced_services_percent)
        here = pl.col("is_52") & (pl.col("taken") != "52").fill_null(True)
        found.append((effect, pl.when(here).then(pl.lit("52"))))
    return found


def _own_factor(effect: Effect) -> pl.Expr:
    """The factor of one effect; 100 % where an indicator does not say another one."""
    if effect.shares:
        shares = pl.sum_horizontal([pl.col(share).fill_null(0) for share in effect.shares])
        # A surgery of one day has no shares: on a return to the operating room it is paid whole.
        return pl.when(shares > 0).then(shares * (FACTOR_ONE // DOLLAR)).otherwise(pl.lit(FACTOR_ONE, WIDE))
    if effect.indicator is None:
        return pl.lit(in_parts(effect.percent or Decimal(100)), WIDE)
    indicator = pl.col(effect.indicator)
    paid = {value: in_parts(p) for value, p in effect.percents.items() if isinstance(p, Decimal)}
    own = [pl.when(indicator == value).then(pl.lit(part, WIDE)) for value, part in paid.items()]
    usual = pl.when(indicator.is_null()).then(pl.lit(in_parts(effect.usual), WIDE))
    return pl.coalesce(*own, usual, pl.lit(FACTOR_ONE, WIDE))


def percent_text(factor: pl.Expr) -> pl.Expr:
    """A factor in 10^-15 as a percent, without zeros at its end."""
    text = (factor // (FACTOR_ONE // 10**6)).cast(pl.String).str.zfill(5)
    whole, rest = text.str.head(-4), text.str.tail(4).str.strip_chars_end("0")
    decimals = pl.when(rest != "").then(pl.concat_str(pl.lit("."), rest)).otherwise(pl.lit(""))
    return pl.concat_str(whole, decimals, pl.lit("%"))


def joined(texts: Sequence[pl.Expr], by: str) -> pl.Expr:
    """The texts that are there, parted by `by`; null where none is."""
    text = pl.concat_str(texts, separator=by, ignore_nulls=True)
    return pl.when(text != "").then(text)
