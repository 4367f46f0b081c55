"""Between the passes: cross-row columns, exact copies, line numbers, computed over all parts at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from claimsctl.facts import ncci
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import Layout
from claimsctl.process.history import HistoryLines
from claimsctl.process.intake import Intake
from claimsctl.process.keying import CONTENT
from claimsctl.process.parallel import cores, ordered
from claimsctl.process.spilling import raw_columns
from claimsctl.process.taken_back import set_aside, taken_back
from claimsctl.security.spills import read_spill, scan_spills, sink_spill
from claimsctl.validate.cross import (
    ROW,
    Group,
    count_exactly,
    deferred_values,
    disagreeing,
    without,
)
from claimsctl.validate.gathering import NOTHING, cross_columns

_IN_MEMORY_ROWS = 120_000
"""Up to here the columns are kept in memory; above, each group's are written aside."""
_IN_A_TABLE = 24_000_000
"""Rows times aggregates of one sort that are brought together at once: some 400 MB."""
_LEAST = 4
_AT_ONCE, _AT_ONCE_ROWS = 2, 2_000_000
"""So many groups at once, each of which keeps one core busy, up to so many rows: above, memory is short."""


@dataclass(frozen=True)
class CrossFacts:
    """Row-aligned results of the cross-row step, read part by part.

    `paths` (or `columns`, of small runs) hold aggregates, claim_first_row, claim_last_row and, where
    lines came unnumbered, line_rank. `repeats` are the row indexes of exact copies of an earlier row.
    """

    paths: tuple[Path, ...]
    repeats: pl.Series
    groups: tuple[Group, ...] = ()
    stored: pl.DataFrame | None = None
    columns: pl.DataFrame | None = None

    def slice(self, first: int, rows: int) -> pl.DataFrame:
        """The columns of rows `first` to `first + rows`."""
        if self.columns is not None:
            return self.columns.slice(first, rows)
        parts = [scan_spills(path).slice(first, rows) for path in self.paths]
        return pl.concat(pl.collect_all(parts, engine="in-memory"), how="horizontal")

    def repeated(self, first: int, rows: int) -> pl.Series:
        """True for rows of the part that are exact copies of an earlier row."""
        here = self.repeats.filter((self.repeats >= first) & (self.repeats < first + rows)) - first
        mask = pl.repeat(False, rows, eager=True)
        return mask.scatter(here.cast(pl.UInt32), True) if len(here) else mask


def relate(
    intake: Intake,
    groups: Sequence[Group],
    span: Mapping[str, str],
    spill: Path,
    context: Context,
    earlier: HistoryLines | None = None,
) -> CrossFacts:
    """Resolve what joins lines together, with lines of earlier runs; it is read back part by part."""
    earlier = earlier or HistoryLines()
    keys = intake.keys()
    small = intake.rows <= _IN_MEMORY_ROWS
    if small:
        keys = keys.collect(engine="in-memory").lazy()
    repeats = exact_copies(keys)
    taken = taken_back(intake, context)
    keys = set_aside(keys, groups, taken)
    counted = {g.id: _exactly(intake, keys, g, repeats, context) for g in groups if g.deferred}
    past = None if earlier.unread else NOTHING if earlier.lines is None else earlier.lines
    most = max(_LEAST, _IN_A_TABLE // max(intake.rows, 1))
    frames = chain(
        cross_columns(keys, groups, repeats, counted, history=past, most=most),
        _others(keys, pl.concat([repeats, taken]), context, earlier),
    )
    named = {old: new for new, old in span.items()}
    if small:
        if earlier.rows <= _IN_MEMORY_ROWS:
            columns = pl.collect_all(list(frames), engine="in-memory")
        else:  # quickest is not best for patients with a long history: that would be in memory as a whole
            columns = [frame.collect(engine="streaming") for frame in frames]
        found = pl.concat(columns, how="horizontal").rename(named)
        return CrossFacts((), repeats, tuple(groups), columns=found)

    def aside(numbered: tuple[int, pl.LazyFrame]) -> Path:
        number, frame = numbered
        path = spill / f"cross-{number:03d}.parquet"
        sink_spill(frame.rename(named, strict=False), path, row_group_size=100_000)
        return path

    together = _AT_ONCE if intake.rows <= _AT_ONCE_ROWS and cores() > 1 else 0
    return CrossFacts(tuple(ordered(enumerate(frames), aside, count=together)), repeats, tuple(groups))


def _others(
    keys: pl.LazyFrame, excluded: pl.Series, context: Context, earlier: HistoryLines
) -> Iterator[pl.LazyFrame]:
    """Line numbers, what the NCCI edits say, what services of a day do to each other's price, and what is
    known of replaced claims; `excluded` lines do nothing to others."""
    yield keys.select(CONTENT).with_columns(line_ranks(keys))
    if context.ncci is not None:
        given = without(keys, excluded).select(ncci.COLUMNS)
        yield ncci.aligned(keys, ncci.bundled(given, context.ncci, earlier.ncci))
    if context.pricing is not None:
        ranked = without(keys, excluded).select(context.pricing.candidate_columns)
        yield context.pricing.ranks(keys, ranked)
    if context.originals:
        yield earlier.originals.told(keys)


def _exactly(
    intake: Intake, keys: pl.LazyFrame, group: Group, repeats: pl.Series, context: Context
) -> pl.DataFrame:
    """Deferred counts of the groups whose rows disagree; only their rows are read again."""
    wanted = disagreeing(keys, group, repeats)
    names = set(group.keys).union(*(a.columns for a in group.deferred))
    values = [deferred_values(fact_frame(_no_rows(), Layout({}), names, context), group)]
    for part in intake.parts if len(wanted) else ():
        key = read_spill(part.keys, [group.id, ROW])
        chosen = key[group.id].is_in(wanted.implode()).fill_null(False)
        chosen = chosen & ~key[ROW].is_in(repeats.implode())
        if chosen.any():
            rows = part.read(raw_columns(part.input.layout, names)).filter(chosen)
            values.append(deferred_values(fact_frame(rows, part.input.layout, names, context), group))
    return count_exactly(pl.concat(values), group)


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32, "row_number": pl.Int64})


def exact_copies(keys: pl.LazyFrame) -> pl.Series:
    """Row indexes, ascending, of rows that equal an earlier row of the run in every column."""
    digests = keys.select("row_digest", ROW)
    copied = digests.group_by("row_digest").agg(pl.len().alias("copies"), pl.col(ROW).min().alias("first"))
    return (
        digests.join(copied.filter(pl.col("copies") > 1), on="row_digest")
        .filter(pl.col(ROW) > pl.col("first"))
        .select(ROW)
        .collect(engine="streaming")[ROW]
        .sort()
    )


def line_ranks(keys: pl.LazyFrame) -> pl.Series | pl.Expr:
    """1..n within each claim in file order, where some line has no line number; else null."""
    unnumbered = keys.select(pl.col("unnumbered").any()).collect(engine="streaming").item()
    if not unnumbered:
        return pl.lit(None, pl.Int64).alias("line_rank")
    claims = keys.select("claim_id").collect(engine="streaming")["claim_id"].to_numpy()
    # Sorting costs a quarter of what a list of the rows of every claim does.
    order = np.argsort(claims, kind="stable")
    claims, places = claims[order], np.arange(len(order))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = claims[1:] != claims[:-1]
    ranks = np.empty(len(order), np.int64)
    ranks[order] = places + 1 - np.maximum.accumulate(np.where(begins, places, 0))
    return pl.Series("line_rank", ranks)
