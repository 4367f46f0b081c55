"""Prices in a run: what prices its lines, and what they came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import polars as pl

from claimsctl.price.keys import NEEDED
from claimsctl.price.line import price
from claimsctl.price.ranked import aligned, ranked
from claimsctl.price.ranks import CANDIDATE, RANKED, candidates
from claimsctl.price.schedule import Schedule
from claimsctl.price.status import PRICED

AMOUNT, STATUS, SOURCE = "expected_allowed_amount", "pricing_status", "pricing_source"
MOST_PRODUCTIVE: Final = 10_000
"""So many entries of provider, code and month stand in summary.json; how many more there are is said."""
_RANKS: Final = RANKED.keys() - {"row_index"}
_BY: Final = ("rendering_npi", "procedure_code", "month")
READ: Final = {
    "rendering_npi": pl.String(), "billing_npi": pl.String(), "procedure_code": pl.String(),
    "service_date_from": pl.Date(), "units": pl.Decimal(18, 4),
}  # fmt: skip
"""Columns of a line that productivity is counted by; a file need not have them."""
_SUMS: Final = ("units", "work_rvu", "total_rvu", AMOUNT)


@dataclass(frozen=True)
class SchedulePricing:
    """Prices lines by a schedule (claimsctl.facts.priced.Pricing)."""

    schedule: Schedule

    @property
    def needed(self) -> Collection[str]:
        """Columns and facts it reads."""
        return NEEDED

    @property
    def candidate_columns(self) -> Sequence[str]:
        """Columns of `candidates`."""
        return tuple(CANDIDATE)

    def candidates(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What ranks a line among others of its day, aligned with the rows."""
        return candidates(frame, self.schedule)

    def ranks(self, rows: pl.LazyFrame, candidates: pl.LazyFrame) -> pl.LazyFrame:
        """What the candidates of all parts do to each other, aligned with `rows`."""
        return aligned(rows, ranked(candidates))

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The price columns, aligned with the rows."""
        known = frame if set(frame.columns) >= _RANKS else None
        factor = float(self.schedule.terms.charge_factor)
        whole = pl.max_horizontal(pl.col(AMOUNT).cast(pl.Float64), _unreduced(frame))
        ceiling = pl.when(pl.col(AMOUNT).is_not_null()).then((whole * factor).round(4))
        return price(frame, self.schedule, known).with_columns(
            ceiling.cast(pl.Decimal(18, 4), strict=False).alias("charge_ceiling")
        )


def _unreduced(frame: pl.DataFrame) -> pl.Expr:
    """What the fee schedule says of the line before its modifiers and the services beside it reduce that;
    null where a contract prices it."""
    parts = (pl.col(f"{part}_rvu").cast(pl.Float64) * pl.col(f"gpci_{part}") for part in ("work", "pe", "mp"))
    units = frame["units"].cast(pl.Float64) if "units" in frame.columns else pl.lit(1.0)
    return pl.sum_horizontal(*parts, ignore_nulls=False) * pl.col("conversion_factor") * units


@dataclass
class PriceBook:
    """What the lines of a run should pay in all, line by verdict, reason, source and provider."""

    lines: Counter[str] = field(default_factory=Counter)
    accepted: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    by_source: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    _worked: list[pl.DataFrame] = field(default_factory=list)

    def add(self, frame: pl.DataFrame, rejected: pl.Series, accepted: pl.Series | None = None) -> None:
        """Count the lines of a decided part; both series are row-aligned, what is neither is held."""
        accepted = ~rejected if accepted is None else accepted
        self.lines.update(dict(frame[STATUS].value_counts().iter_rows()))
        self.accepted += _sum(frame[AMOUNT].filter(accepted))
        self.held += _sum(frame[AMOUNT].filter(~accepted & ~rejected))
        self.rejected += _sum(frame[AMOUNT].filter(rejected))
        sources = (
            frame.filter(pl.col(AMOUNT).is_not_null()).group_by(SOURCE).agg(pl.len(), pl.col(AMOUNT).sum())
        )
        for source, count, amount in sources.iter_rows():
            before = self.by_source.get(source, (0, Decimal(0)))
            self.by_source[source] = (before[0] + count, before[1] + amount)
        self._worked.append(_productivity(_worked(frame)))
        if len(self._worked) > 64:  # one part has few providers and codes, a long run has no more
            self._worked = [_productivity(pl.concat(self._worked))]

    def summary(self) -> dict[str, object]:
        """The `pricing` of summary.json; amounts in dollars, as text."""
        total = sum(self.lines.values())
        often = sorted(self.lines.items(), key=lambda item: (-item[1], item[0]))
        unpriced = {status: count for status, count in often if status != PRICED}
        found = _productivity(pl.concat(self._worked)) if self._worked else pl.DataFrame()
        return {
            "lines": total,
            "priced": self.lines[PRICED],
            "expected_allowed_amount": _dollars(self.accepted + self.held + self.rejected),
            "accepted_expected_allowed_amount": _dollars(self.accepted),
            "not_priced": unpriced,
            "by_source": [
                {"source": source, "lines": count, "expected_allowed_amount": _dollars(amount)}
                for source, (count, amount) in sorted(self.by_source.items())
            ],
            "productivity": [_entry(row) for row in found.head(MOST_PRODUCTIVE).iter_rows(named=True)],
            "productivity_left_out": max(found.height - MOST_PRODUCTIVE, 0),
        }


def _worked(frame: pl.DataFrame) -> pl.DataFrame:
    """Units and relative values of the priced lines, those of one unit times units."""
    given = frame.filter(pl.col(STATUS) == PRICED).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in READ.items() if name not in frame.columns
    )
    units = pl.col("units").cast(pl.Decimal(38, 4))
    return given.select(
        pl.coalesce("rendering_npi", "billing_npi").alias("rendering_npi"),
        "procedure_code",
        pl.col("service_date_from").dt.strftime("%Y-%m").alias("month"),
        pl.lit(1, pl.UInt32).alias("lines"),
        units.alias("units"),
        *((pl.col(name).cast(pl.Decimal(38, 4)) * units).cast(pl.Decimal(38, 4)).alias(name)
          for name in ("work_rvu", "total_rvu")),
        pl.col(AMOUNT).cast(pl.Decimal(38, 4)),
    )  # fmt: skip


def _productivity(worked: pl.DataFrame) -> pl.DataFrame:
    return worked.group_by(_BY).agg(pl.col("lines", *_SUMS).sum()).sort(_BY)


def _entry(row: dict[str, object]) -> dict[str, object]:
    return {name: _plain(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _plain(number: Decimal) -> str:
    """Without zeros at the end, never with an exponent."""
    return f"{number.normalize():f}"


def _sum(amounts: pl.Series) -> Decimal:
    found = amounts.drop_nulls().sum()
    return Decimal(found) if found is not None else Decimal(0)


def _dollars(amount: Decimal) -> str:
    return f"{amount:.2f}"
