"""House contracts: what a payer agreed to, by code, modifier, place and date. They come before Medicare.

A row gives a rate in dollars for one unit, or a percent of the Medicare amount of a release (of the one in
force where it names none). A blank code, modifier or place stands for every one, except that a rate without a
modifier is not the rate of a part (26, TC). Of several rows the one that names most counts: first the code,
then the modifier, then the place.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price.arithmetic import FACTOR_ONE, WIDE
from claimsctl.price.dated import BLOCK, Dated
from claimsctl.price.names import MODIFIERS
from claimsctl.reference.tables import Table

PARTS: Final = ("26", "TC")
_SCHEMA: Final = {
    "contract_block": pl.UInt32,
    "payer": pl.String,
    "code": pl.String,
    "modifier": pl.String,
    "place": pl.String,
    "rate": WIDE,
    "contract_factor": WIDE,
    "contract_release": pl.String,
    "lesser_of_charge": pl.Boolean,
    "contract": pl.String,
}
"""`rate` in ten-thousandths of a dollar, `contract_factor` (the percent of Medicare) in 10^-15."""
GIVEN: Final = ("rate", "contract_factor", "contract_release", "lesser_of_charge", "contract", "taken")
"""What `matched` gives; all null where no contract counts."""


class Contracts:
    """The rows of `fee_schedules`, by block of days."""

    def __init__(self, table: Table | None) -> None:
        # A contract runs until the next one is loaded.
        self._dated = Dated.of(table, until_replaced=True)
        self.rows: Final = _rows(self._dated)
        self._payers = self.rows["payer"].unique()

    @property
    def releases(self) -> list[str]:
        """The Medicare releases that contracts name."""
        return self.rows["contract_release"].drop_nulls().unique().sort().to_list()

    def of_lines(self, payers: pl.DataFrame, days: pl.Series) -> tuple[pl.Series, pl.Series]:
        """`payer` and `contract_block` of lines whose payer has a contract, null for the others.

        `payers`: payer_key (of the registry) and payer_id, of which either may stand in a contract.
        """
        if self.rows.is_empty():
            nothing = pl.repeat(None, payers.height, dtype=pl.String, eager=True)
            return nothing.alias("payer"), nothing.cast(pl.UInt32).alias("contract_block")
        known = [
            pl.when(pl.col(name).str.to_uppercase().is_in(self._payers.implode()))
            .then(pl.col(name).str.to_uppercase())
            for name in ("payer_key", "payer_id")
        ]  # fmt: skip
        payer = payers.select(pl.coalesce(known).alias("payer")).to_series()
        starts = pl.Series("starts", self._dated.starts, dtype=pl.Date)
        block = starts.search_sorted(days, side="right").cast(pl.UInt32).alias("contract_block")
        here = pl.col("payer").is_not_null()
        found = pl.DataFrame([payer, block, days.alias("day")])
        blocks = found.select(pl.when(here & pl.col("day").is_not_null()).then("contract_block"))
        return payer, blocks.to_series()

    def matched(self, combinations: pl.DataFrame) -> pl.DataFrame:
        """The combinations with what their contract gives (GIVEN)."""
        wanted = combinations.select(
            "payer", "contract_block", "procedure_code", *MODIFIERS, "place_of_service", "own_row"
        ).with_row_index("number").filter(pl.col("payer").is_not_null())  # fmt: skip
        nothing = [pl.lit(None, _SCHEMA.get(name, pl.String)).alias(name) for name in GIVEN]
        if wanted.is_empty():
            return combinations.with_columns(nothing)
        found = (
            self._tried(wanted)
            .join(self.rows, on=["contract_block", "payer", "code", "modifier", "place"])
            .filter(~(pl.col("is_part") & (pl.col("modifier") == "") & pl.col("rate").is_not_null()))
            .sort("number", "order")
            .unique("number", keep="first", maintain_order=True)
            .with_columns(pl.when(pl.col("modifier") != "").then("modifier").alias("taken"))
        )
        numbered = combinations.with_row_index("number")
        joined = numbered.join(found.select("number", *GIVEN), on="number", how="left", maintain_order="left")
        return joined.drop("number")

    @staticmethod
    def _tried(wanted: pl.DataFrame) -> pl.DataFrame:
        """Every row a contract could have for each line, the ones that name most first."""
        is_part = pl.col("own_row").is_in(PARTS)
        nothing = pl.lit("")
        parts = []
        order = 0
        for code in (pl.col("procedure_code"), nothing):
            for modifier in (*(pl.col(m) for m in MODIFIERS), nothing):
                for place in (pl.col("place_of_service"), nothing):
                    parts.append(
                        wanted.select(
                            "number", "payer", "contract_block", code.alias("code"),
                            modifier.alias("modifier"), place.alias("place"), is_part.alias("is_part"),
                            pl.lit(order, pl.UInt8).alias("order"),
                        )
                    )  # fmt: skip
                    order += 1
        return pl.concat(parts)


def _rows(dated: Dated) -> pl.DataFrame:
    if dated.rows.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    rows, names = dated.rows, dated.rows.columns
    if "valid_from" in names:
        # Of two rows that hold on a day the one that began later counts.
        rows = rows.sort("valid_from", nulls_last=False, maintain_order=True)
    names_of_blocks = dict(enumerate(dated.editions))
    release = pl.col("release") if "release" in names else pl.lit(None, pl.String)
    lesser = pl.col("lesser_of_charge") if "lesser_of_charge" in names else pl.lit(None, pl.Boolean)
    percent = pl.col("percent_of_medicare").cast(pl.Decimal(14, 4)).to_physical().cast(WIDE)
    rate = pl.col("rate").cast(pl.Decimal(14, 4)).to_physical().cast(WIDE)
    found = rows.select(
        pl.col(BLOCK).alias("contract_block"),
        pl.col("payer_id").str.to_uppercase().alias("payer"),
        *(pl.col(name).fill_null("") for name in ("code", "modifier", "place")),
        rate.alias("rate"),
        (percent * (FACTOR_ONE // 10**6)).alias("contract_factor"),
        release.alias("contract_release"),
        lesser.fill_null(False).alias("lesser_of_charge"),
        pl.format("contract {}", pl.col(BLOCK).replace_strict(names_of_blocks, return_dtype=pl.String)).alias(
            "contract"
        ),
    )
    key = ["contract_block", "payer", "code", "modifier", "place"]
    return found.unique(key, keep="last", maintain_order=True)
