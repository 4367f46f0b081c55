"""What lines are priced by: fee rows, indices and factors by service date, made once for a run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date
from functools import cached_property
from typing import Final

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.price.arithmetic import DOLLAR, UNIT, whole
from claimsctl.price.contracts import Contracts
from claimsctl.price.dated import BLOCK, Dated, breakpoints
from claimsctl.price.locality import normal
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Table

FEE_TABLES: Final = ("mpfs", "mpfs_starter")
"""Where fees stand: the first that has an edition for a service date serves it."""
STARTER: Final = " (starter)"
"""After the name of a release that serves from the shipped starter table."""
QPP: Final = "-QPP"

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


@dataclass(frozen=True, slots=True)
class Period:
    """Days within which no table changes: its releases (None: none covers it) and blocks in each table.

    `period_cf` is the conversion factor of all its fees, in ten-thousandths; None: each fee row has its own.
    `no_cf`: what the terms ask for is not known then; `no_anesthesia_cf`: nor that of anesthesia.
    """

    first: date | None
    release: str | None
    fee_block: int
    gpci_edition: str | None
    gpci_block: int
    zip_block: int
    anesthesia_block: int
    base_block: int
    period_cf: int | None
    no_cf: bool
    no_anesthesia_cf: bool
    floor: bool


class Schedule:
    """Fees, indices, factors and places, with the terms they are applied on.

    Tables it reads: mpfs, mpfs_starter, gpci, conversion_factors, zip_locality, pos, anesthesia_base,
    anesthesia_cf, fee_schedules. Lines that need one that is not there are not priced, and say so. With
    `edition`, every line is priced as if it were of the first day of that release, except by contracts with
    rates. UsageError when there is no such release.
    """

    def __init__(self, tables: Mapping[str, Table], terms: Terms, *, edition: str | None = None) -> None:
        self.terms = terms
        self._fees = [Dated.of(tables.get(name)) for name in FEE_TABLES]
        self._gpci = Dated.of(tables.get("gpci"))
        self._zips = Dated.of(tables.get("zip_locality"), until_replaced=True)
        self._factors = Dated.of(tables.get("conversion_factors"))
        self._anesthesia = Dated.of(tables.get("anesthesia_cf"))
        self._bases = Dated.of(tables.get("anesthesia_base"), until_replaced=True)
        self.contracts: Final = Contracts(tables.get("fee_schedules"))
        self._dated = [
            *self._fees, self._gpci, self._zips, self._factors, self._anesthesia, self._bases,
        ]  # fmt: skip
        self.starts: Final = breakpoints(self._dated)
        self.periods: Final = tuple(self._period(day) for day in (None, *self.starts))
        self.default_locality: Final = normal(terms.locality) if terms.locality else None
        self.places: Final = _places(tables.get("pos"))
        self.pinned: Final = self.day_of(edition) if edition is not None else None

    def __repr__(self) -> str:
        return f"Schedule({', '.join(self.releases)})"

    @property
    def releases(self) -> tuple[str, ...]:
        """Names of the fee schedule releases there are, the oldest first."""
        return tuple(dict.fromkeys(p.release for p in self.periods if p.release is not None))

    def day_of(self, release: str) -> date:
        """The first service date of a release; UsageError when there is none of that name."""
        if release not in self.period_of_release:
            raise UsageError(
                f"There is no release {release} of the physician fee schedule.",
                hint=f"Releases: {', '.join(self.releases) or 'none is loaded'}.",
            )
        return self.periods[self.period_of_release[release]].first or date.min

    def numbered(self, days: pl.Series) -> pl.Series:
        """The number of the period of each day, null where there is no day."""
        starts = pl.Series("starts", self.starts, dtype=pl.Date)
        if self.pinned is not None:
            days = days.clear().extend_constant(self.pinned, len(days)).zip_with(days.is_not_null(), days)
        numbers = starts.search_sorted(days, side="right").cast(pl.UInt32)
        return numbers.to_frame("n").select(pl.when(days.is_not_null()).then("n")).to_series()

    @cached_property
    def period_frame(self) -> pl.DataFrame:
        """The periods as rows: `period`, their number, and the fields of Period."""
        types: dict[str, pl.DataType | type[pl.DataType]] = {
            "first": pl.Date, "release": pl.String, "gpci_edition": pl.String, "period_cf": pl.Int128,
            "no_cf": pl.Boolean, "no_anesthesia_cf": pl.Boolean, "floor": pl.Boolean,
        }  # fmt: skip
        schema = {each.name: types.get(each.name, pl.UInt32) for each in fields(Period)}
        rows = pl.DataFrame([astuple(p) for p in self.periods], schema=schema, orient="row")
        return rows.with_row_index("period")

    @cached_property
    def period_of_release(self) -> dict[str, int]:
        """The number of the first period of every release, with and without the mark of the starter table."""
        found: dict[str, int] = {}
        for number, period in enumerate(self.periods):
            if period.release is not None:
                found.setdefault(period.release, number)
                found.setdefault(period.release.removesuffix(STARTER), number)
        return found

    @cached_property
    def fees(self) -> pl.DataFrame:
        """Fee rows of all blocks (FEE_COLUMNS): numbers in whole ten-thousandths, modifier "" where none.

        Blocks of the starter table are numbered after those of the full one.
        """
        parts = []
        for dated, shift in zip(self._fees, (0, self._shift), strict=True):
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
        return pl.DataFrame(schema={BLOCK: pl.UInt32, **text, **dict.fromkeys(_MEASURES, pl.Int128)})

    @cached_property
    def codes(self) -> pl.DataFrame:
        """What a code is in any block: `is_ranked` among services of a day, `is_doubled` by two units that
        are two sides, `has_sides`, `is_payable`."""
        one = pl.col("mult_proc").is_in(list("1234567")) | (pl.col("fee_status") == "T")
        bilateral = pl.col("bilateral")
        has_rvu = pl.sum_horizontal("work", "pe_nonfacility", "pe_facility", "mp") > 0
        return self.fees.group_by(pl.col("code").alias("procedure_code")).agg(
            one.any().alias("is_ranked"),
            bilateral.is_in(["1", "2"]).any().alias("is_doubled"),
            bilateral.is_in(["0", "1", "2"]).any().alias("has_sides"),
            (pl.col("fee_status").is_in(["A", "R"]) & has_rvu).any().alias("is_payable"),
        )

    @cached_property
    def gpcis(self) -> pl.DataFrame:
        """Indices by gpci_block and locality, in whole ten-thousandths."""
        schema = {"gpci_block": pl.UInt32, "locality": pl.String, **dict.fromkeys(_INDICES, pl.Int128)}
        if self._gpci.rows.is_empty():
            return pl.DataFrame(schema=schema)
        rows = self._gpci.rows.select(
            pl.col(BLOCK).alias("gpci_block"),
            "locality",
            *[whole(pl.col(there)).alias(name) for name, there in _INDICES.items()],
        )
        return _under_both_contractors(rows)

    @cached_property
    def anesthesia_factors(self) -> pl.DataFrame:
        """Anesthesia conversion factors by anesthesia_block and locality, in ten-thousandths."""
        if self._anesthesia.rows.is_empty():
            schema = {"anesthesia_block": pl.UInt32, "locality": pl.String, "anesthesia_cf": pl.Int128}
            return pl.DataFrame(schema=schema)
        rows = self._anesthesia.rows.select(
            pl.col(BLOCK).alias("anesthesia_block"),
            "locality",
            whole(pl.col("conversion_factor")).alias("anesthesia_cf"),
        )
        return _under_both_contractors(rows)

    @cached_property
    def anesthesia_bases(self) -> pl.DataFrame:
        """Base units of anesthesia codes by base_block, in thousandths."""
        if self._bases.rows.is_empty():
            schema = {"base_block": pl.UInt32, "procedure_code": pl.String, "base_units": pl.Int128}
            return pl.DataFrame(schema=schema)
        return self._bases.rows.select(
            pl.col(BLOCK).alias("base_block"),
            pl.col("code").alias("procedure_code"),
            (whole(pl.col("base_units")) // (DOLLAR // UNIT)).alias("base_units"),
        ).unique(["base_block", "procedure_code"], keep="last", maintain_order=True)

    @cached_property
    def zips(self) -> pl.DataFrame:
        """Locality and plus_four flag by zip_block and zip."""
        if self._zips.rows.is_empty():
            text = dict.fromkeys(("zip", "zip_locality"), pl.String)
            return pl.DataFrame(schema={"zip_block": pl.UInt32, **text, "plus_four": pl.Boolean})
        return self._zips.rows.select(
            pl.col(BLOCK).alias("zip_block"), "zip", pl.col("locality").alias("zip_locality"), "plus_four"
        )

    @property
    def _shift(self) -> int:
        return len(self._fees[0].editions)

    def _period(self, day: date | None) -> Period:
        release, block = None, 0
        for place, dated in enumerate(self._fees):
            here = bisect_right(dated.starts, day) if day else 0
            if release is None and dated.editions[here] is not None:
                release = f"{dated.editions[here]}{STARTER if place else ''}"
                block = here + (self._shift if place else 0)
        gpci, zips, factors, anesthesia, bases = (
            bisect_right(dated.starts, day) if day else 0 for dated in self._dated[len(FEE_TABLES) :]
        )
        factor, unknown = self._factor(release, factors)
        edition = (release or "").removesuffix(STARTER)
        # The factors of localities are those of all others; QPs have theirs from 2026.
        known = self._known_factors(factors)
        return Period(
            first=day,
            release=release,
            fee_block=block,
            gpci_edition=self._gpci.editions[gpci],
            gpci_block=gpci,
            zip_block=zips,
            anesthesia_block=anesthesia,
            base_block=bases,
            period_cf=factor,
            no_cf=unknown,
            no_anesthesia_cf=self.terms.qualifying and "anesthesia_qp" in known,
            floor=self.terms.floor(edition),
        )

    def _factor(self, release: str | None, block: int) -> tuple[int | None, bool]:
        """The conversion factor where the fee rows do not have the right one, and whether it is unknown."""
        qpp = (release or "").removesuffix(STARTER).endswith(QPP)
        if qpp == self.terms.qualifying:
            return None, False
        known = self._known_factors(block)
        wanted = "physician_qp" if self.terms.qualifying else "physician"
        if wanted in known:
            return known[wanted], False
        # Until 2025 there was one conversion factor for all.
        return None, qpp or "physician" not in known

    def _known_factors(self, block: int) -> dict[str, int]:
        rows = self._factors.rows
        if rows.is_empty():
            return {}
        rows = rows.filter(pl.col(BLOCK) == block)
        return dict(rows.select("kind", whole(pl.col("conversion_factor"))).iter_rows())


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


def _places(table: Table | None) -> pl.DataFrame:
    """Place of service and whether Medicare pays the facility rate there."""
    if table is None:
        return pl.DataFrame(schema={"place_of_service": pl.String, "facility": pl.Boolean})
    return table.frame.select(pl.col(table.key).alias("place_of_service"), "facility").unique(
        "place_of_service", keep="last", maintain_order=True
    )
