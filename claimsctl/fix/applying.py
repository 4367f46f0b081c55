"""Repairs of a part: asked of the distinct texts of each column, joined back to its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME, PATIENT_NAME, SUBSCRIBER_NAME
from claimsctl.facts.typed import Layout
from claimsctl.fix.dates import DateEvidence
from claimsctl.fix.repairs import Knowledge, Repair, repairs_for
from claimsctl.security.masking import mask_expr
from claimsctl.write.text import neutralise, neutralise_columns

REPORT: Final = pl.Schema(
    {
        "row_number": pl.Int64(), "claim_number": pl.String(), "field": pl.String(), "before": pl.String(),
        "after": pl.String(), "why": pl.String(), "applied": pl.String(),
    }
)  # fmt: skip
"""Columns of a list of repairs; identifiers are masked in it unless somebody asks for them."""
_FULL_NAMES: Final = {"patient": PATIENT_NAME, "subscriber": SUBSCRIBER_NAME}


@dataclass
class Tally:
    """How many cells each repair changed, for how many each proposes a change, and changed cells in all."""

    repairs: Counter[str] = field(default_factory=Counter)
    proposals: Counter[str] = field(default_factory=Counter)
    cells: int = 0

    def add(self, other: Tally) -> None:
        """Count in what another part had."""
        self.repairs += other.repairs
        self.proposals += other.proposals
        self.cells += other.cells


@dataclass(frozen=True)
class _Place:
    """A column of an input that can be repaired: its field, raw column, repairs, and what is beside it."""

    name: str
    raw: str
    repairs: tuple[Repair, ...]
    beside: Mapping[str, pl.Expr]


@dataclass(frozen=True)
class Repaired:
    """A part with its cells repaired, the list of what was done, and the counts; `changed`: raw columns."""

    rows: pl.DataFrame
    report: pl.DataFrame
    tally: Tally
    changed: tuple[str, ...]


class Repairer:
    """The repairs of one input; `evidence` is what its date columns prove.

    Identifiers are masked in the list of repairs unless `show_phi`.
    """

    def __init__(
        self,
        layout: Layout,
        knowledge: Knowledge,
        evidence: Mapping[str, DateEvidence],
        *,
        show_phi: bool = False,
    ) -> None:
        self._show_phi = show_phi
        fields = dict(layout.columns)
        fields |= {_FULL_NAMES[who]: raw for who, raw in layout.full_names.items()}
        self._claim = layout.columns.get("claim_number")
        places = [
            _Place(name, raw, repairs, _beside(name, repairs, layout))
            for name, raw in fields.items()
            if (repairs := repairs_for(name, knowledge, evidence.get(name)))
        ]
        # What stands beside a cell is repaired before it, or a second time might decide differently.
        self._places = sorted(places, key=lambda place: bool(place.beside))

    def repair(
        self,
        rows: pl.DataFrame,
        *,
        untouched: pl.Series | None = None,
        trusted: pl.Series | None = None,
    ) -> Repaired:
        """Repair the cells of a raw part; rows where `untouched` is true stay as they are.

        `trusted` (row-aligned) has the last raw column of a record that stands in its place, null where all
        do: what stands behind it is masked in the list, whatever its column.
        """
        tally = Tally()
        lines: list[pl.DataFrame] = []
        changed: list[str] = []
        for place in self._places:
            if place.raw not in rows.columns:
                continue
            here = self._cells(rows, place)
            found = repair_values(_distinct(here, place, untouched), place.repairs, tally)
            if found.is_empty():
                continue
            cells = here.join(
                found, on=["before", *place.beside], how="left", nulls_equal=True, maintain_order="left"
            )
            if trusted is not None and place.raw[1:].isdecimal():
                doubt = (trusted < int(place.raw[1:])).fill_null(False)
                cells = cells.with_columns(doubt.alias("doubtful"))
            if untouched is not None:
                kept = [pl.when(~untouched).then(name).alias(name) for name in ("after", "offer")]
                cells = cells.with_columns(kept)
            if cells["after"].null_count() < cells.height:
                changed.append(place.raw)
                rows = rows.with_columns(cells.select(pl.coalesce("after", "before").alias(place.raw)))
            lines += _lines(cells, place, show_phi=self._show_phi)
        report = pl.concat(lines) if lines else pl.DataFrame(schema=REPORT)
        report = report.sort("row_number", maintain_order=True)
        tally.cells = int((report["applied"] == "yes").sum())
        return Repaired(rows, report, tally, tuple(changed))

    def _cells(self, rows: pl.DataFrame, place: _Place) -> pl.DataFrame:
        claim = pl.col(self._claim) if self._claim in rows.columns else pl.lit(None, pl.String)
        return rows.select(
            "row_number",
            claim.str.strip_chars().alias("claim_number"),
            pl.col(place.raw).alias("before"),
            *[text.alias(role) for role, text in place.beside.items()],
        )


def _beside(name: str, repairs: Sequence[Repair], layout: Layout) -> dict[str, pl.Expr]:
    """What the repairs of a column look at in the same row, by role; constants fill what is blank."""
    roles: dict[str, str] = {}
    for repair in repairs:
        roles |= repair.beside.get(name, {})
    texts = {}
    for role, column in roles.items():
        raw, constant = layout.columns.get(column), layout.constants.get(column)
        text = pl.col(raw) if raw is not None else pl.lit(None, pl.String)
        texts[role] = pl.when(text.str.strip_chars() != "").then(text).otherwise(pl.lit(constant, pl.String))
    return texts


def _distinct(here: pl.DataFrame, place: _Place, untouched: pl.Series | None) -> pl.DataFrame:
    """The different cells of a column with what stands beside them, and how often: column "cells"."""
    some = here if untouched is None else here.filter(~untouched)
    given = some.lazy().filter(pl.col("before") != "")
    return given.group_by("before", *place.beside).agg(pl.len().alias("cells")).collect()


def repair_values(values: pl.DataFrame, repairs: Sequence[Repair], tally: Tally) -> pl.DataFrame:
    """What becomes of distinct texts ("before", with what stands beside them and how often: "cells").

    Returns the texts that are concerned, with `after` and `why` of what is applied, `offer` and `doubt`
    of what is only proposed; null where there is none. Counts go to `tally`.
    """
    blank = pl.lit(None, pl.String)
    work = values.with_columns(pl.col("before").alias("text"), blank.alias("offer"), blank.alias("doubt"))
    whys: list[pl.Series] = []
    for repair in repairs:
        after = repair.change(work["text"]).alias("after")
        hit = _hits(work["text"], after)
        if not hit.any():
            continue
        fits = hit if repair.fits is None else repair.fits(work.with_columns(after))
        apply = hit & fits.fill_null(False) if repair.sure else hit & False
        offer = hit & ~apply & fits.fill_null(True) & work["offer"].is_null()
        _count(tally.repairs, repair.name, work["cells"].filter(apply))
        _count(tally.proposals, repair.name, work["cells"].filter(offer))
        work = work.with_columns(
            pl.when(apply).then(after).otherwise("text").alias("text"),
            pl.when(offer).then(after).otherwise("offer").alias("offer"),
            pl.when(offer).then(pl.lit(repair.doubt or repair.why)).otherwise("doubt").alias("doubt"),
        )
        whys.append(pl.select(pl.when(apply).then(pl.lit(repair.why))).to_series())
    if not whys:
        return values.clear()
    applied = pl.col("text") != pl.col("before")
    reasons = pl.concat_str([pl.lit(why) for why in whys], separator="; ", ignore_nulls=True)
    return work.select(
        pl.exclude("cells", "text", "offer", "doubt"),
        pl.when(applied).then("text").alias("after"),
        pl.when(applied).then(reasons).alias("why"),
        "offer",
        "doubt",
    ).filter(pl.col("after").is_not_null() | pl.col("offer").is_not_null())


def _hits(text: pl.Series, after: pl.Series) -> pl.Series:
    """Where a repair changes a text, and not into one that a spreadsheet would run."""
    before, new = pl.col("text"), pl.col("after")
    harmless = (neutralise(new) == new) | (new.str.head(1) == before.str.head(1))
    changed = pl.DataFrame([text.alias("text"), after]).select((new != before) & harmless)
    return changed.to_series().fill_null(False)


def _count(counter: Counter[str], name: str, cells: pl.Series) -> None:
    if len(cells):
        counter[name] += int(cells.sum())


def _lines(cells: pl.DataFrame, place: _Place, *, show_phi: bool) -> Iterator[pl.DataFrame]:
    """Lines of the report for a column: what was applied, then what is only proposed."""

    def shown(name: str, text: pl.Expr) -> pl.Expr:
        if show_phi:
            return text
        masked = mask_expr(BY_NAME.get(name), text)
        if "doubtful" not in cells.columns:
            return masked
        return pl.when("doubtful").then(mask_expr(None, text)).otherwise(masked)

    now = pl.coalesce("after", "before")
    for applied, before, after, why in (
        ("yes", pl.col("before"), pl.col("after"), "why"),
        ("no", now, pl.col("offer"), "doubt"),
    ):
        some = cells.filter(after.is_not_null())
        if some.height:
            yield some.select(
                "row_number",
                shown("claim_number", pl.col("claim_number")),
                pl.lit(place.name).alias("field"),
                shown(place.name, before).alias("before"),
                shown(place.name, after).alias("after"),
                pl.col(why).alias("why"),
                pl.lit(applied).alias("applied"),
            ).cast(REPORT)


def spreadsheet_safe(report: pl.DataFrame) -> pl.DataFrame:
    """Lines of a report with no cell that a spreadsheet would run, and blanks as nothing."""
    texts = ["claim_number", "before", "after"]
    blank = report.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in texts)
    return neutralise_columns(blank, texts)
