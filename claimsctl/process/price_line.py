"""What prices lines outside of a run: the schedule of a house, and typed lines from what somebody gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import Layout, clean_cells
from claimsctl.price.explain import Step, explain
from claimsctl.price.keys import NEEDED
from claimsctl.price.line import price
from claimsctl.price.ranked import aligned
from claimsctl.price.ranks import candidates
from claimsctl.price.schedule import Schedule
from claimsctl.process.claim_totals import CLAIM
from claimsctl.process.pricing import READ
from claimsctl.reference.tables import Tables


@dataclass(frozen=True)
class LinePricing:
    """A schedule, the tables it is made of, and what the facts of lines depend on."""

    schedule: Schedule
    context: Context
    tables: Tables

    def by_release(self, edition: str) -> LinePricing:
        """The same, with every line priced by one release; UsageError when there is none of that name."""
        return replace(self, schedule=Schedule(self.tables, self.schedule.terms, edition=edition))

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """What pricing reads of raw rows (c0, c1, ..., row_index), and what productivity is counted by."""
        return fact_frame(clean_cells(rows), layout, {*NEEDED, *READ, *CLAIM} - {"row_index"}, self.context)

    def candidates(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Of typed lines what says which of a day are ranked against each other (claimsctl.price.ranks)."""
        return candidates(frame, self.schedule).filter(pl.col("rank_rule").is_not_null())

    def priced(self, frame: pl.DataFrame, found: pl.DataFrame | None = None) -> pl.DataFrame:
        """Typed lines with their price columns; `found` is what `ranked` says of all lines there are."""
        return frame.with_columns(price(frame, self.schedule, self._ranks(frame, found)).get_columns())

    def line(self, cells: Mapping[str, str]) -> pl.DataFrame:
        """One typed line from canonical columns and their texts; UsageError for one that cannot be read."""
        layout = Layout({name: f"c{n}" for n, name in enumerate(cells)})
        rows = pl.DataFrame({f"c{n}": [text] for n, text in enumerate(cells.values())})
        frame = self.typed(rows.with_columns(pl.lit(0, pl.UInt32).alias("row_index")), layout)
        for name, text in cells.items():
            if name in frame.columns and text.strip() and frame[name][0] is None:
                raise UsageError(f"{name} {text!r} cannot be read.", hint=_FORMS.get(name))
        return frame

    def steps(self, frame: pl.DataFrame, found: pl.DataFrame | None = None) -> list[Step]:
        """How the price of one typed line came about; `found` as for `priced`."""
        return explain(frame, self.schedule, self._ranks(frame, found))

    @staticmethod
    def _ranks(frame: pl.DataFrame, found: pl.DataFrame | None) -> pl.DataFrame | None:
        return None if found is None else aligned(frame.lazy(), found).collect(engine="in-memory")


_FORMS = {
    "service_date_from": "Write --date 2026-03-02.",
    "units": "Write --units 1.",
    "minutes": "Write --minutes 45.",
    "charge_amount": "Write --charge 125.00.",
}


def require_locality(schedule: Schedule) -> None:
    """UsageError where the schedule's default locality stands in no table of practice cost indices."""
    wanted = schedule.default_locality
    if wanted is None or schedule.gpcis.is_empty():
        return
    known = schedule.gpcis["locality"].unique().sort()
    if wanted not in known:
        contractor = known.filter(known.str.head(5) == wanted[:5])
        near = ", ".join(name.replace("-", "/") for name in contractor.head(8))
        raise UsageError(
            f"There is no Medicare locality {wanted.replace('-', '/')} in the practice cost indices.",
            hint=f"That contractor has {near}." if near else "It is contractor/locality, such as 01112/05.",
        )
