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
from claimsctl.price import figures
from claimsctl.price.arithmetic import whole
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

    Tables it reads: mpfs, mpfs_starter, gpci, conversion_factors, zip_locality, zip9_locality, pos,
    anesthesia_base, anesthesia_cf, fee_schedules. Lines that need one that is not there are not
    priced, and say so. With `edition`, every line is priced as if it were of the first day of that release,
    except by contracts with rates. UsageError when there is no such release.
    """

    def __init__(self, tables: Mapping[str, Table], terms: Terms, *, edition: str | None = None) -> None:
        self.terms = terms
        self._tables = tables
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
        self.places: Final = figures.places(tables.get("pos"))
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
        """The number of the first period of every release, with and without the mark of the starter table.

        A release that is loaded goes before the starter of the same name, which may serve earlier days.
        """
        releases = [(p.release, number) for number, p in enumerate(self.periods) if p.release is not None]
        found: dict[str, int] = {}
        for release, number in releases:
            found.setdefault(release, number)
        for release, number in releases:
            found.setdefault(release.removesuffix(STARTER), number)
        return found

    @cached_property
    def fees(self) -> pl.DataFrame:
        """Fee rows of all blocks; those of the starter table are numbered after those of the full one."""
        return figures.fees(self._fees, (0, self._shift))

    @cached_property
    def codes(self) -> pl.DataFrame:
        """What a code is in any block, for the ranking of the services of a day."""
        return figures.codes(self.fees)

    @cached_property
    def gpcis(self) -> pl.DataFrame:
        """Indices by gpci_block and locality."""
        return figures.gpcis(self._gpci)

    @cached_property
    def anesthesia_factors(self) -> pl.DataFrame:
        """Anesthesia conversion factors by anesthesia_block and locality."""
        return figures.anesthesia_factors(self._anesthesia)

    @cached_property
    def anesthesia_bases(self) -> pl.DataFrame:
        """Base units of anesthesia codes by base_block."""
        return figures.anesthesia_bases(self._bases)

    @cached_property
    def zips(self) -> pl.DataFrame:
        """Locality and plus_four flag by zip_block and zip."""
        return figures.zips(self._zips)

    def nine_digit_zips(self, wanted: pl.Series) -> pl.DataFrame:
        """Localities of ZIP+4 codes; there are a million of them, so they are read when a line needs one."""
        return figures.nine_digit_zips(self._tables.get("zip9_locality"), wanted)

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
